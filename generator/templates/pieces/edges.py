@dataclass(frozen=True)
class Edge:
    """A way from a task to the next; it is followed if the result has, or lacks, a text."""

    source: str
    target: str
    contains: str = ""
    lacks: str = ""

    def holds(self, result: str) -> bool:
        found = result.lower()
        return self.contains.lower() in found and (not self.lacks or self.lacks.lower() not in found)
