def as_function_tool(function: Callable[..., str], description: str, parameters: dict) -> FunctionTool:
    """The function as the Agents SDK knows it; what goes wrong in it is for the model to read."""

    async def invoke(context: ToolContext, arguments: str) -> str:
        try:
            values = json.loads(arguments or "{}")
        except ValueError as error:
            return f"Error: expected the arguments as JSON: {error}"
        if not isinstance(values, dict):
            return "Error: expected the arguments as a JSON object"
        try:
            return await asyncio.to_thread(function, **values)
        except Exception as error:
            return f"Error: {error}"

    return FunctionTool(
        name=function.__name__,
        description=description,
        params_json_schema=parameters,
        on_invoke_tool=invoke,
        strict_json_schema=False,
    )


TOOLS = {
{{ tools }}
}
