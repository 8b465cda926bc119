{{ docstring }}

from __future__ import annotations

import json
from collections.abc import Iterator

from langchain_core.messages import AIMessage, SystemMessage, ToolMessage
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode

from .events import Answered, Event, ToolAnswered, ToolCalled
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_model
from .tools import TOOLS, explain

INSTRUCTIONS = {{ instructions }}

MAX_STEPS = {{ max_steps }}


def build_graph() -> CompiledStateGraph:
    """The model, its tools, and the way back and forth between them."""
    model = chat_model(MODELS[{{ model }}]).bind_tools(TOOLS)
    tool_node = ToolNode(TOOLS, handle_tool_errors=explain)

    def call_model(state: MessagesState) -> dict:
        return {"messages": [model.invoke([SystemMessage(INSTRUCTIONS), *state["messages"]])]}

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


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    # Every step but the last is a call of the model and a call of its tools.
    config = {"recursion_limit": 2 * MAX_STEPS - 1}
    try:
        for update in build_graph().stream({"messages": messages{{ window }}}, config, stream_mode="updates"):
            for node in update.values():
                for message in node["messages"]:
                    yield from events_of(message)
    except GraphRecursionError as error:
        raise ModelError(f"the model came to no answer within {MAX_STEPS} steps") from error
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error


def events_of(message: AIMessage | ToolMessage) -> Iterator[Event]:
    """What a new message in the graph's state says has happened."""
    if isinstance(message, ToolMessage):
        yield ToolAnswered(message.tool_call_id, message.text)
    elif message.tool_calls or message.invalid_tool_calls:
        for call in message.tool_calls:
            yield ToolCalled(call["id"], call["name"], json.dumps(call["args"]))
        for call in message.invalid_tool_calls:
            yield ToolCalled(call["id"], call["name"], call["args"])
    else:
        yield Answered(message.text)
