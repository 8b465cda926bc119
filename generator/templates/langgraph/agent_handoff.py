{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from langchain_core.messages import {{# tools }}AIMessage, {{/ tools }}SystemMessage, ToolMessage
from langgraph.config import get_stream_writer
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
{{# tools }}
from langgraph.prebuilt import ToolNode
{{/ tools }}
from langgraph.types import Command

from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_model
{{# tools }}
from .tools import TOOLS, explain
{{/ tools }}


{{ agents }}

FIRST = {{ first }}

# How often a conversation may be passed on.
MAX_TRANSFERS = 10


def build_graph() -> CompiledStateGraph:
    """A node for each agent; the one that has the conversation says who is next."""
    graph = StateGraph(MessagesState)
    for name, agent in AGENTS.items():
        targets = [node_of(target) for target in agent.handoffs]
        graph.add_node(node_of(name), agent_node(name), destinations=(*targets, END))
    graph.add_edge(START, node_of(FIRST))
    return graph.compile()


def node_of(name: str) -> str:
    return f"talk to {name}"


def agent_node(name: str) -> Callable[[MessagesState], Command]:
    """The node of an agent; what happens meanwhile goes to the stream."""

    def talk(state: MessagesState) -> Command:
        write = get_stream_writer()
        write(StepStarted(name))
        said = converse(AGENTS[name], state["messages"]{{# tools }}, write{{/ tools }})
        write(StepFinished(name))
        target = passed_on(AGENTS[name], said)
        return Command(goto=node_of(target) if target else END, update={"messages": said})

    return talk


def converse(agent: Agent, messages: list{{# tools }}, write: Callable[[Event], None]{{/ tools }}) -> list:
    """What the agent and its tools say, up to an answer or until it passes the conversation on."""
    said = []
    try:
        # Every step is a call of the model and what it calls.
        stream = agent_graph(agent).stream({"messages": messages}, {"recursion_limit": 2 * agent.max_steps}, stream_mode="updates")
        for update in stream:
            for node in update.values():
                said += node["messages"]
{{# tools }}
                for message in node["messages"]:
                    for event in events_of(agent, message):
                        write(event)
{{/ tools }}
    except GraphRecursionError as error:
        raise ModelError(f"the model came to no answer within {agent.max_steps} steps") from error
    return said


def transfers(agent: Agent) -> dict[str, str]:
    """Whom the agent may pass the conversation on to, by the names under which the model is offered them."""
    return {f"transfer_to_{name}": name for name in agent.handoffs}


def passed_on(agent: Agent, said: list) -> str | None:
    """The agent that a conversation goes on with, if it goes on."""
    chosen = [transfers(agent).get(call["name"]) for message in said for call in getattr(message, "tool_calls", [])]
    return next((name for name in chosen if name), None)


def definition(choice: str, name: str) -> dict:
    """An agent that the conversation may be passed on to, as the chat completions API lists it."""
    description = f"Pass the conversation on to this agent: {AGENTS[name].role}"
    parameters = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": choice, "description": description, "parameters": parameters}}


def agent_graph(agent: Agent) -> CompiledStateGraph:
    """The model, what it may call, and the way back and forth between them."""
    offered = [definition(choice, name) for choice, name in transfers(agent).items()]
{{# tools }}
    tools = [tool for tool in TOOLS if tool.name in agent.tools]
    offered += tools
    tool_node = ToolNode(tools, handle_tool_errors=explain)
{{/ tools }}
    model = chat_model(MODELS[agent.model])
    if offered:
        model = model.bind_tools(offered)

    def call_model(state: MessagesState) -> dict:
        return {"messages": [model.invoke([SystemMessage(agent.instructions), *state["messages"]])]}

    def answer_calls(state: MessagesState) -> dict:
        last = state["messages"][-1]
        target = passed_on(agent, [last])
        passing = [call for call in last.tool_calls if call["name"] in transfers(agent)]
        answers = [ToolMessage(f"The conversation goes on with {target}", tool_call_id=call["id"]) for call in passing]
        other = [call for call in last.tool_calls if call not in passing]
{{# tools }}
        if other:
            answers += tool_node.invoke({"messages": [AIMessage("", tool_calls=other)]})["messages"]
{{/ tools }}
{{^ tools }}
        error = f"Error: there is no such tool; there are: {', '.join(transfers(agent))}"
        answers += [ToolMessage(error, tool_call_id=call["id"]) for call in other]
{{/ tools }}
        # A call whose arguments are not JSON is answered too, so that the model can mend it.
        for call in last.invalid_tool_calls:
            text = "Error: expected the arguments as JSON"
            answers.append(ToolMessage(text, tool_call_id=call["id"], name=call["name"]))
        return {"messages": answers}

    def after_model(state: MessagesState) -> str:
        last = state["messages"][-1]
        return "calls" if last.tool_calls or last.invalid_tool_calls else END

    def after_calls(state: MessagesState) -> str:
        last = [message for message in state["messages"] if message.type == "ai"][-1]
        return END if passed_on(agent, [last]) else "model"

    graph = StateGraph(MessagesState)
    graph.add_node("model", call_model)
    graph.add_node("calls", answer_calls)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", after_model, ["calls", END])
    graph.add_conditional_edges("calls", after_calls, ["model", END])
    return graph.compile()
{{# tools }}


def events_of(agent: Agent, message: AIMessage | ToolMessage) -> Iterator[Event]:
    """What a new message in the graph's state says about tools; passing on is told as steps."""
    if isinstance(message, ToolMessage):
        if message.name:
            yield ToolAnswered(message.tool_call_id, message.text)
        return
    for call in message.tool_calls:
        if call["name"] not in transfers(agent):
            yield ToolCalled(call["id"], call["name"], json.dumps(call["args"]))
    for call in message.invalid_tool_calls:
        yield ToolCalled(call["id"], call["name"], call["args"])
{{/ tools }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`; an agent passes the conversation on to one that fits better.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    start = {"messages": messages{{ window }}}
    answer = ""
    try:
        for mode, chunk in build_graph().stream(start, {"recursion_limit": MAX_TRANSFERS + 1}, stream_mode=["custom", "values"]):
            if mode == "custom":
                yield chunk
            else:
                answer = chunk["messages"][-1].text
    except GraphRecursionError as error:
        raise ModelError(f"the conversation was passed on more than {MAX_TRANSFERS} times") from error
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(answer)
