@dataclass(frozen=True)
class Tool:
    """A function that the model may call, and what the model is told about it."""

    function: Callable[..., str]
    description: str
    parameters: dict

    def definition(self) -> dict:
        """The tool as the chat completions API lists it."""
        function = {"name": self.function.__name__, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


TOOLS = {
{{ tools }}
}


def call_tool(name: str, arguments: str{{# several }}, allowed: Collection[str]{{/ several }}) -> str:
    """Calls a tool with arguments as the model wrote them; what goes wrong is for the model to read."""
    if name not in {{# several }}allowed{{/ several }}{{^ several }}TOOLS{{/ several }}:
        return f"Error: there is no tool {name}; there are: {', '.join({{# several }}allowed{{/ several }}{{^ several }}TOOLS{{/ several }})}"
    try:
        values = json.loads(arguments or "{}")
    except ValueError as error:
        return f"Error: expected the arguments as JSON: {error}"
    if not isinstance(values, dict):
        return "Error: expected the arguments as a JSON object"
    try:
        return TOOLS[name].function(**values)
    except Exception as error:
        return f"Error: {error}"
