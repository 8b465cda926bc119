{{ docstring }}

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pydantic_ai
from pydantic_graph import Graph, GraphBuilder, StepContext, reduce_dict_update

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, chat_model
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


@dataclass
class State:
    """What has come of the tasks so far; a task that needs it waits for it."""

    results: dict[str, str] = field(default_factory=dict)
    done: dict[str, asyncio.Event] = field(default_factory=lambda: {task.name: asyncio.Event() for task in TASKS})


def run(messages: list[dict]) -> Iterator[Event]:
    """Does the tasks for the last of `messages`, side by side where none waits for another.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        write(Answered(joined(await build_graph(messages{{ window }}, write).run(state=State()))))

    return stream(answer)


def build_graph(messages: list[dict], write: Write) -> Graph:
    """One step per task, all of them begun at once, and the join of their results."""
    graph = GraphBuilder(state_type=State, output_type=dict[str, str])
    steps = [graph.step(step_of(task, messages, write), node_id=task.name) for task in TASKS]
    join = graph.join(reduce_dict_update, initial_factory=dict[str, str])
    graph.add(
        graph.edge_from(graph.start_node).broadcast(lambda start: [start.to(step) for step in steps]),
        graph.edge_from(*steps).to(join),
        graph.edge_from(join).to(graph.end_node),
    )
    return graph.build()


def step_of(task: Task, messages: list[dict], write: Write) -> Callable[[StepContext], Awaitable[dict[str, str]]]:
    """The step that does a task as soon as what it needs is there."""

    async def step(context: StepContext[State, None, None]) -> dict[str, str]:
        state = context.state
        needed = [other.name for other in TASKS if other.name in before(task)]
        for name in needed:
            await state.done[name].wait()
        known = {name: state.results[name] for name in needed}
        state.results[task.name] = await perform(task, messages, known, write)
        state.done[task.name].set()
        return {task.name: state.results[task.name]}

    return step


{{ perform }}


{{ before }}


{{ brief }}
