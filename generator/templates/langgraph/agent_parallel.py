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
from langgraph.graph import {{# tools }}END, {{/ tools }}START, {{# tools }}MessagesState, {{/ tools }}StateGraph
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


class State(TypedDict):
    """The conversation, and what has come of each task so far."""

    messages: list
    results: Annotated[dict[str, str], operator.or_]


def build_graph() -> CompiledStateGraph:
    """One node per task, with edges from those that it waits for: what waits for nothing runs side by side."""
    graph = StateGraph(State)
    for task in TASKS:
        graph.add_node(node_of(task), task_node(task))
    for task in TASKS:
        others = [other for other in TASKS if other.name in task.after]
        graph.add_edge([node_of(other) for other in others] if others else START, node_of(task))
    return graph.compile()


def node_of(task: Task) -> str:
    return f"do {task.name}"


def task_node(task: Task) -> Callable[[State], dict]:
    """The node that does a task; what happens meanwhile goes to the stream."""

    def do(state: State) -> dict:
        write = get_stream_writer()
        write(StepStarted(task.name))
        known = {other.name: state["results"][other.name] for other in TASKS if other.name in before(task)}
        messages = [*state["messages"], ("user", brief(task, known))]
        result = work(AGENTS[task.agent], messages{{# tools }}, write{{/ tools }})
        write(StepFinished(task.name))
        return {"results": {task.name: result}}

    return do


{{ before }}


{{ brief }}


{{ work }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Does the tasks for the last of `messages`, side by side where none waits for another.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    start = {"messages": messages{{ window }}, "results": {}}
    results = {}
    # As many threads as there are tasks.
    config = {"max_concurrency": len(TASKS)}
    try:
        for mode, chunk in build_graph().stream(start, config, stream_mode=["custom", "values"]):
            if mode == "custom":
                yield chunk
            else:
                results = chunk["results"]
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(joined(results))
