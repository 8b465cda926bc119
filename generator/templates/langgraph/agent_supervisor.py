{{ docstring }}

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from langchain_core.messages import AIMessage, SystemMessage, ToolMessage
from langgraph.config import get_stream_writer
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
{{# tools }}
from langgraph.prebuilt import ToolNode
{{/ tools }}
from langgraph.types import Send

from .events import Answered, Event, StepFinished, StepStarted, ToolAnswered, ToolCalled
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_model
{{# tools }}
from .tools import TOOLS, explain
{{/ tools }}


{{ agents }}

SUPERVISOR = {{ first }}

# Whom the supervisor may ask, by the names under which the model is offered them.
SPECIALISTS = {f"ask_{name}": name for name in AGENTS if name != SUPERVISOR}


def build_graph() -> CompiledStateGraph:
    """The supervisor, and around it a node for each specialist and one for tools."""
    graph = StateGraph(MessagesState)
    graph.add_node("supervise", supervise)
    graph.add_edge(START, "supervise")
    for choice, name in SPECIALISTS.items():
        graph.add_node(choice, specialist_node(name))
        graph.add_edge(choice, "supervise")
    graph.add_node("tools", call_tools)
    graph.add_edge("tools", "supervise")
    graph.add_conditional_edges("supervise", next_nodes, [*SPECIALISTS, "tools", END])
    return graph.compile()


def supervise(state: MessagesState) -> dict:
    """What the supervisor says next."""
    supervisor = AGENTS[SUPERVISOR]
    offered = [definition(choice) for choice in SPECIALISTS]{{# tools }} + own_tools(){{/ tools }}
    model = chat_model(MODELS[supervisor.model]).bind_tools(offered)
    return {"messages": [model.invoke([SystemMessage(supervisor.instructions), *state["messages"]])]}
{{# tools }}


def own_tools() -> list:
    return [tool for tool in TOOLS if tool.name in AGENTS[SUPERVISOR].tools]
{{/ tools }}


def definition(choice: str) -> dict:
    """A specialist as the chat completions API lists it."""
    description = f"Ask this agent, who knows only what the request says: {AGENTS[SPECIALISTS[choice]].role}"
    request = {"type": "string", "description": "What to find out or do, with all that is needed for it."}
    parameters = {"type": "object", "properties": {"request": request}, "required": ["request"]}
    return {"type": "function", "function": {"name": choice, "description": description, "parameters": parameters}}


def next_nodes(state: MessagesState) -> list[Send] | str:
    """Every specialist that is asked does its work at the same time as the others."""
    last = state["messages"][-1]
    asked = [call for call in last.tool_calls if call["name"] in SPECIALISTS]
    other = [call for call in last.tool_calls if call["name"] not in SPECIALISTS]
    sends = [Send(call["name"], call) for call in asked]
    if other or last.invalid_tool_calls:
        sends.append(Send("tools", AIMessage("", tool_calls=other, invalid_tool_calls=last.invalid_tool_calls)))
    return sends or END


def specialist_node(name: str) -> Callable[[dict], dict]:
    """The node that answers a call; what happens meanwhile goes to the stream."""

    def answer(call: dict) -> dict:
        write = get_stream_writer()
        request = call["args"].get("request")
        if request is None:
            text = 'Error: expected the arguments as JSON: {"request": "what to find out or do"}'
        else:
            write(StepStarted(name))
            text = work(AGENTS[name], [("user", str(request))]{{# tools }}, write{{/ tools }})
            write(StepFinished(name))
        return {"messages": [ToolMessage(text, tool_call_id=call["id"])]}

    return answer


def call_tools(message: AIMessage) -> dict:
    """What the supervisor's own tools answer."""
{{# tools }}
    answers = []
    if message.tool_calls:
        answers = ToolNode(own_tools(), handle_tool_errors=explain).invoke({"messages": [message]})["messages"]
{{/ tools }}
{{^ tools }}
    error = f"Error: there is no such tool; there are: {', '.join(SPECIALISTS)}"
    answers = [ToolMessage(error, tool_call_id=call["id"]) for call in message.tool_calls]
{{/ tools }}
    # A call whose arguments are not JSON is answered too, so that the model can mend it.
    for call in message.invalid_tool_calls:
        answers.append(ToolMessage("Error: expected the arguments as JSON", tool_call_id=call["id"]))
    return {"messages": answers}


{{ work }}
{{^ tools }}


def events_of(message: AIMessage | ToolMessage) -> Iterator[Event]:
    """What a new message in the graph's state says about calls."""
    if isinstance(message, ToolMessage):
        yield ToolAnswered(message.tool_call_id, message.text)
        return
    for call in message.tool_calls:
        yield ToolCalled(call["id"], call["name"], json.dumps(call["args"]))
    for call in message.invalid_tool_calls:
        yield ToolCalled(call["id"], call["name"], call["args"])
{{/ tools }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages` with what specialists have to say.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    max_steps = AGENTS[SUPERVISOR].max_steps
    # Every step but the last is a call of the model and what it asks for.
    config = {"recursion_limit": 2 * max_steps - 1}
    answer = ""
    try:
        for mode, chunk in build_graph().stream({"messages": messages{{ window }}}, config, stream_mode=["custom", "updates"]):
            if mode == "custom":
                yield chunk
                continue
            for node in chunk.values():
                for message in node["messages"]:
                    answer = message.text
                    yield from events_of(message)
    except GraphRecursionError as error:
        raise ModelError(f"the model came to no answer within {max_steps} steps") from error
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(answer)
