@dataclass(frozen=True)
class Task:
    """A piece of work."""

    name: str
    agent: str
    description: str
    expected_output: str = ""
{{# parallel }}
    after: tuple[str, ...] = ()
{{/ parallel }}
