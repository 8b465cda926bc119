TOOLS = [
{{ tools }}
]


def explain(error: Exception) -> str:
    """What goes wrong in a tool is for the model to read."""
    return f"Error: {error}"
