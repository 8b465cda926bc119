@dataclass
class Described(ToolMetadata):
    """What a model is told about a tool, with the tool's own schema instead of one made from its signature."""

    parameters: dict = field(default_factory=dict)

    def get_parameters_dict(self) -> dict:
        return dict(self.parameters)


def tool(function: Callable[..., str], description: str, parameters: dict) -> FunctionTool:
    """A function as LlamaIndex offers it to a model; what goes wrong in it is for the model to read."""

    def call(**values: object) -> str:
        try:
            if NOT_JSON in values:
                raise ValueError("expected the arguments as a JSON object")
            return function(**values)
        except Exception as error:
            raise RuntimeError(f"Error: {error}") from error

    return FunctionTool(call, Described(description, function.__name__, parameters=parameters))


TOOLS = [
{{ tools }}
]
