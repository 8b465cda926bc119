{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import agents

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ModelError, chat_model
from .runs import {{# tools }}Recorder, {{/ tools }}answer
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
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

START = {{ start }}

MAX_STEPS = {{ graph_steps }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Goes through the graph for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        tasks = {task.name: task for task in TASKS}
        results: dict[str, str] = {}
        name = START
        for _ in range(MAX_STEPS):
            result = await perform(tasks[name], messages{{ window }}, results, emit)
            # The last results in the order in which they came.
            results.pop(name, None)
            results[name] = result
            name = after(name, result)
            if name == "end":
                emit(Answered(result))
                return
        raise ModelError(f"the graph came to no end within {MAX_STEPS} steps")

    return stream(work)


def after(name: str, result: str) -> str:
    """What follows a task with this result: the name of a task, or "end"."""
    return next((edge.target for edge in EDGES if edge.source == name and edge.holds(result)), "end")


{{ perform }}


{{ brief }}


{{ build }}
