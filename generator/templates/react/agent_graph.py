{{ docstring }}

from __future__ import annotations

from collections.abc import {{# tools }}Generator, {{/ tools }}Iterator
from dataclasses import dataclass

from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import MODELS, ModelError, ask
{{# tools }}
from .tools import TOOLS, call_tool
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
    tasks = {task.name: task for task in TASKS}
    results: dict[str, str] = {}
    name = START
    for _ in range(MAX_STEPS):
        task = tasks[name]
        yield StepStarted(name)
        conversation = [*messages{{ window }}, {"role": "user", "content": brief(task, results)}]
        result = {{# tools }}yield from {{/ tools }}work(AGENTS[task.agent], conversation)
        yield StepFinished(name)
        # The last results in the order in which they came.
        results.pop(name, None)
        results[name] = result
        name = after(name, result)
        if name == "end":
            yield Answered(result)
            return
    raise ModelError(f"the graph came to no end within {MAX_STEPS} steps")


def after(name: str, result: str) -> str:
    """What follows a task with this result: the name of a task, or "end"."""
    return next((edge.target for edge in EDGES if edge.source == name and edge.holds(result)), "end")


{{ brief }}


{{ work }}
