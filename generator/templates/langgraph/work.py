{{# tools }}
def work(agent: Agent, messages: list, write: Callable[[Event], None]) -> str:
    """The agent's answer; what its tools do meanwhile goes to the stream."""
    # Every step but the last is a call of the model and a call of its tools.
    config = {"recursion_limit": 2 * agent.max_steps - 1}
    answer = ""
    try:
        for update in agent_graph(agent).stream({"messages": messages}, config, stream_mode="updates"):
            for node in update.values():
                for message in node["messages"]:
                    answer = message.text
                    for event in events_of(message):
                        write(event)
    except GraphRecursionError as error:
        raise ModelError(f"the model came to no answer within {agent.max_steps} steps") from error
    return answer


def agent_graph(agent: Agent) -> CompiledStateGraph:
    """The model, the agent's tools, and the way back and forth between them."""
    tools = [tool for tool in TOOLS if tool.name in agent.tools]
    model = chat_model(MODELS[agent.model])
    if tools:
        model = model.bind_tools(tools)
    tool_node = ToolNode(tools, handle_tool_errors=explain)

    def call_model(state: MessagesState) -> dict:
        return {"messages": [model.invoke([SystemMessage(agent.instructions), *state["messages"]])]}

    def call_tools(state: MessagesState) -> dict:
        last = state["messages"][-1]
        answers = tool_node.invoke(state)["messages"] if last.tool_calls else []
        # A call whose arguments are not JSON is answered too, so that the model can mend it.
        for call in last.invalid_tool_calls:
            answers.append(ToolMessage("Error: expected the arguments as JSON", tool_call_id=call["id"]))
        return {"messages": answers}

    def next_node(state: MessagesState) -> str:
        last = state["messages"][-1]
        return "tools" if last.tool_calls or last.invalid_tool_calls else END

    graph = StateGraph(MessagesState)
    graph.add_node("model", call_model)
    graph.add_node("tools", call_tools)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", next_node, ["tools", END])
    graph.add_edge("tools", "model")
    return graph.compile()


def events_of(message: AIMessage | ToolMessage) -> Iterator[Event]:
    """What a new message in the graph's state says about tools."""
    if isinstance(message, ToolMessage):
        yield ToolAnswered(message.tool_call_id, message.text)
        return
    for call in message.tool_calls:
        yield ToolCalled(call["id"], call["name"], json.dumps(call["args"]))
    for call in message.invalid_tool_calls:
        yield ToolCalled(call["id"], call["name"], call["args"])
{{/ tools }}
{{^ tools }}
def work(agent: Agent, messages: list) -> str:
    """The agent's answer."""
    return chat_model(MODELS[agent.model]).invoke([SystemMessage(agent.instructions), *messages]).text
{{/ tools }}
