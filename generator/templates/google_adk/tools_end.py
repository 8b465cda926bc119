class Tool(BaseTool):
    """A function as a tool of ADK; what goes wrong in it is for the model to read."""

    def __init__(self, function: Callable[..., str], description: str, parameters: dict) -> None:
        super().__init__(name=function.__name__, description=description)
        self.function = function
        self.parameters = parameters

    def _get_declaration(self) -> FunctionDeclaration:
        return FunctionDeclaration(
            name=self.name, description=self.description, parameters_json_schema=self.parameters
        )

    async def run_async(self, *, args: dict, tool_context: ToolContext) -> dict:
        try:
            return {"result": await asyncio.to_thread(self.function, **args)}
        except Exception as error:
            return {"result": f"Error: {error}"}


TOOLS = {
{{ tools }}
}
