{{ docstring }}

from __future__ import annotations

from collections.abc import {{# tools }}Generator, {{/ tools }}Iterator
from dataclasses import dataclass

from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import MODELS, {{# tools }}ModelError, {{/ tools }}ask
{{# tools }}
from .tools import TOOLS, call_tool
{{/ tools }}


{{ agents }}


{{ task }}


# In the order in which they are done.
TASKS = [
{{ tasks }}
]


def run(messages: list[dict]) -> Iterator[Event]:
    """Does every task in turn for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    results: dict[str, str] = {}
    for task in TASKS:
        yield StepStarted(task.name)
        conversation = [*messages{{ window }}, {"role": "user", "content": brief(task, results)}]
        results[task.name] = {{# tools }}yield from {{/ tools }}work(AGENTS[task.agent], conversation)
        yield StepFinished(task.name)
    yield Answered(results[TASKS[-1].name])


{{ brief }}


{{ work }}
