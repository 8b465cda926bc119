{{ docstring }}

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pydantic_ai
from pydantic_graph import Graph, GraphBuilder, StepContext, TypeExpression

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ModelError, chat_model
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import conversation, work


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

START = {{ start }}

MAX_STEPS = {{ graph_steps }}


@dataclass
class State:
    """The last result of each task, in the order in which they came, and how many tasks were done."""

    results: dict[str, str] = field(default_factory=dict)
    steps: int = 0


def run(messages: list[dict]) -> Iterator[Event]:
    """Goes through the graph for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        write(Answered(await build_graph(messages{{ window }}, write).run(state=State())))

    return stream(answer)


def build_graph(messages: list[dict], write: Write) -> Graph:
    """A step for each task, and after it the decision how it goes on."""
    graph = GraphBuilder(state_type=State, output_type=str)
    steps = {task.name: graph.step(step_of(task, messages, write), node_id=task.name) for task in TASKS}
    graph.add(graph.edge_from(graph.start_node).to(steps[START]))
    for name, step in steps.items():
        decision = graph.decision(node_id=f"after {name}")
        for edge in EDGES:
            if edge.source == name:
                target = graph.end_node if edge.target == "end" else steps[edge.target]
                decision = decision.branch(graph.match(TypeExpression[Any], matches=edge.holds).to(target))
        decision = decision.branch(graph.match(TypeExpression[Any]).to(graph.end_node))
        graph.add(graph.edge_from(step).to(decision))
    # A task that no edge leads to is no mistake here.
    return graph.build(validate_graph_structure=False)


def step_of(task: Task, messages: list[dict], write: Write) -> Callable[[StepContext], Awaitable[str]]:
    """The step that does a task."""

    async def step(context: StepContext[State, None, Any]) -> str:
        state = context.state
        if state.steps == MAX_STEPS:
            raise ModelError(f"the graph came to no end within {MAX_STEPS} steps")
        state.steps += 1
        result = await perform(task, messages, state.results, write)
        state.results.pop(task.name, None)
        state.results[task.name] = result
        return result

    return step


{{ perform }}


{{ brief }}
