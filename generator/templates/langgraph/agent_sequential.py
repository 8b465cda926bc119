{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, TypedDict

from langchain_core.messages import {{# tools }}AIMessage, {{/ tools }}SystemMessage{{# tools }}, ToolMessage{{/ tools }}
from langgraph.config import get_stream_writer
{{# tools }}
from langgraph.errors import GraphRecursionError
{{/ tools }}
from langgraph.graph import END, START, {{# tools }}MessagesState, {{/ tools }}StateGraph
from langgraph.graph.state import CompiledStateGraph
{{# tools }}
from langgraph.prebuilt import ToolNode
{{/ tools }}

from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_model
{{# tools }}
from .tools import TOOLS, explain
{{/ tools }}


@dataclass(frozen=True)
class Agent:
    """Who does a task, and with what."""

    instructions: str
    model: str
{{# tools }}
    tools: tuple[str, ...]
    max_steps: int
{{/ tools }}


@dataclass(frozen=True)
class Task:
    """A piece of work."""

    name: str
    agent: str
    description: str
    expected_output: str = ""


AGENTS = {
{{ agents }}
}

# In the order in which they are done.
TASKS = [
{{ tasks }}
]


class State(TypedDict):
    """The conversation, and what has come of each task so far."""

    messages: list
    results: Annotated[dict[str, str], operator.or_]


def build_graph() -> CompiledStateGraph:
    """One node per task, one after another."""
    graph = StateGraph(State)
    previous = START
    for task in TASKS:
        node = f"do {task.name}"
        graph.add_node(node, task_node(task))
        graph.add_edge(previous, node)
        previous = node
    graph.add_edge(previous, END)
    return graph.compile()


def task_node(task: Task) -> Callable[[State], dict]:
    """The node that does a task; what happens meanwhile goes to the stream."""
    agent = AGENTS[task.agent]
{{# tools }}
    graph = agent_graph(agent)
{{/ tools }}
{{^ tools }}
    model = chat_model(MODELS[agent.model])
{{/ tools }}

    def work(state: State) -> dict:
        write = get_stream_writer()
        write(StepStarted(task.name))
{{# tools }}
        messages = [*state["messages"], ("user", brief(task, state["results"]))]
        # Every step but the last is a call of the model and a call of its tools.
        config = {"recursion_limit": 2 * agent.max_steps - 1}
        try:
            for update in graph.stream({"messages": messages}, config, stream_mode="updates"):
                for node in update.values():
                    for message in node["messages"]:
                        for event in events_of(message):
                            write(event)
        except GraphRecursionError as error:
            raise ModelError(f"the model came to no answer within {agent.max_steps} steps") from error
{{/ tools }}
{{^ tools }}
        brief_message = ("user", brief(task, state["results"]))
        message = model.invoke([SystemMessage(agent.instructions), *state["messages"], brief_message])
{{/ tools }}
        write(StepFinished(task.name))
        return {"results": {task.name: message.text}}

    return work


def brief(task: Task, results: dict[str, str]) -> str:
    """What an agent is told of its task: the work itself and what came of the tasks before."""
    parts = [f"Your task: {task.description}"]
    if task.expected_output:
        parts.append(f"Expected output: {task.expected_output}")
    parts += [f"Result of {name}:\n{result}" for name, result in results.items()]
    return "\n\n".join(parts)
{{# tools }}


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


def run(messages: list[dict]) -> Iterator[Event]:
    """Does every task in turn for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    start = {"messages": messages{{ window }}, "results": {}}
    results = {}
    try:
        for mode, chunk in build_graph().stream(start, stream_mode=["custom", "values"]):
            if mode == "custom":
                yield chunk
            else:
                results = chunk["results"]
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(results[TASKS[-1].name])
