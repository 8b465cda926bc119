{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypedDict

from langchain_core.messages import {{# tools }}AIMessage, {{/ tools }}SystemMessage{{# tools }}, ToolMessage{{/ tools }}
from langgraph.config import get_stream_writer
from langgraph.errors import GraphRecursionError
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


{{ agents }}


{{ task }}


TASKS = [
{{ tasks }}
]


{{ edges_class }}


# After a task the first of its edges that holds is followed; "end" ends the run, and so does having none.
EDGES = [
{{ edges }}
]

FIRST = {{ start }}

MAX_STEPS = {{ graph_steps }}


class State(TypedDict):
    """The conversation, and the last result of each task in the order in which they came."""

    messages: list
    results: dict[str, str]


def build_graph() -> CompiledStateGraph:
    """One node per task; after each the edges decide."""
    graph = StateGraph(State)
    for task in TASKS:
        graph.add_node(node_of(task.name), task_node(task))
        targets = {edge.target for edge in EDGES if edge.source == task.name} | {"end"}
        graph.add_conditional_edges(node_of(task.name), next_task(task), {name: node_of(name) for name in targets})
    graph.add_edge(START, node_of(FIRST))
    return graph.compile()


def node_of(name: str) -> str:
    return END if name == "end" else f"do {name}"


def next_task(task: Task) -> Callable[[State], str]:
    """What follows a task: the name of a task, or "end"."""

    def choose(state: State) -> str:
        result = state["results"][task.name]
        return next((edge.target for edge in EDGES if edge.source == task.name and edge.holds(result)), "end")

    return choose


def task_node(task: Task) -> Callable[[State], dict]:
    """The node that does a task; what happens meanwhile goes to the stream."""

    def do(state: State) -> dict:
        write = get_stream_writer()
        write(StepStarted(task.name))
        messages = [*state["messages"], ("user", brief(task, state["results"]))]
        result = work(AGENTS[task.agent], messages{{# tools }}, write{{/ tools }})
        write(StepFinished(task.name))
        others = {name: other for name, other in state["results"].items() if name != task.name}
        return {"results": {**others, task.name: result}}

    return do


{{ brief }}


{{ work }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Goes through the graph for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    start = {"messages": messages{{ window }}, "results": {}}
    results = {}
    try:
        for mode, chunk in build_graph().stream(start, {"recursion_limit": MAX_STEPS}, stream_mode=["custom", "values"]):
            if mode == "custom":
                yield chunk
            else:
                results = chunk["results"]
    except GraphRecursionError as error:
        raise ModelError(f"the graph came to no end within {MAX_STEPS} steps") from error
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(list(results.values())[-1])
