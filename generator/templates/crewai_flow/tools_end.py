@dataclass(frozen=True)
class Tool:
    """A function that the model may call, and what the model is told about it."""

    function: Callable[..., str]
    description: str
    parameters: dict


TOOLS = {
{{ tools }}
}
