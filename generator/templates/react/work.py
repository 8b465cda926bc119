{{# tools }}
def work(agent: Agent, messages: list[dict]) -> Generator[Event, None, str]:
    """Asks the model, runs the tools that it calls, and asks again; returns its answer."""
    history = [{"role": "system", "content": agent.instructions}, *messages]
    offered = [TOOLS[name].definition() for name in agent.tools]
    for _ in range(agent.max_steps):
        reply = ask(MODELS[agent.model], history, offered)
        history.append(reply)
        if not reply.get("tool_calls"):
            return reply.get("content") or ""
        for call in reply["tool_calls"]:
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            yield ToolCalled(call["id"], name, arguments)
            content = call_tool(name, arguments, allowed=agent.tools)
            yield ToolAnswered(call["id"], content)
            history.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    raise ModelError(f"the model came to no answer within {agent.max_steps} steps")
{{/ tools }}
{{^ tools }}
def work(agent: Agent, messages: list[dict]) -> str:
    """The agent's answer."""
    reply = ask(MODELS[agent.model], [{"role": "system", "content": agent.instructions}, *messages])
    return reply.get("content") or ""
{{/ tools }}
