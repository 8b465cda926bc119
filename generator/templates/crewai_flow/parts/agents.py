@dataclass(frozen=True)
class Agent:
    """Who does a piece of work, and with what."""

    role: str
    instructions: str
    model: str
{{# tools }}
    tools: tuple[str, ...]
{{/ tools }}
{{# handoff }}
    handoffs: tuple[str, ...]
{{/ handoff }}
{{# limited }}
    max_steps: int
{{/ limited }}


AGENTS = {
{{ agents }}
}
