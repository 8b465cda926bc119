def tool(function: Callable[..., str], description: str, parameters: dict) -> PythonAgentTool:
    """A function as Strands offers it to a model; what goes wrong in it is for the model to read."""
    name = function.__name__

    def call(use: ToolUse, **_: object) -> ToolResult:
        try:
            if NOT_JSON in use["input"]:
                raise ValueError("expected the arguments as a JSON object")
            status, text = "success", function(**use["input"])
        except Exception as error:
            status, text = "error", f"Error: {error}"
        return {"toolUseId": use["toolUseId"], "status": status, "content": [{"text": text}]}

    return PythonAgentTool(name, {"name": name, "description": description, "inputSchema": {"json": parameters}}, call)


TOOLS = [
{{ tools }}
]
