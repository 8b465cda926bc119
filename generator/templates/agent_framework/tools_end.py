TOOLS = {
{{ tools }}
}
