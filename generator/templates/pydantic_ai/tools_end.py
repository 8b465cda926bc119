def as_tool(function: Callable[..., str], description: str, parameters: dict) -> Tool:
    """A function as a tool of Pydantic AI; what goes wrong in it is for the model to read."""

    def call(**arguments: object) -> str:
        try:
            return function(**arguments)
        except Exception as error:
            return f"Error: {error}"

    tool = Tool.from_schema(call, function.__name__, description, parameters)
    # Arguments that are no JSON object go back to the model as well.
    tool.function_schema.validator = SchemaValidator(core_schema.dict_schema(core_schema.str_schema()))
    return tool


TOOLS = {
{{ tools }}
}
