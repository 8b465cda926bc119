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


{{ agents }}


{{ task }}


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

    def do(state: State) -> dict:
        write = get_stream_writer()
        write(StepStarted(task.name))
        messages = [*state["messages"], ("user", brief(task, state["results"]))]
        result = work(AGENTS[task.agent], messages{{# tools }}, write{{/ tools }})
        write(StepFinished(task.name))
        return {"results": {task.name: result}}

    return do


{{ brief }}


{{ work }}


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
