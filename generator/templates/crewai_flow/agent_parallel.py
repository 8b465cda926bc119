{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crewai.flow.flow import Flow{{ imports }}, start

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel
from .streaming import Write, stream
from .working import {{# tools }}tool, {{/ tools }}work


{{ crew }}


{{ task }}


TASKS = [
{{ tasks }}
]


def run(messages: list[dict]) -> Iterator[Event]:
    """Does the tasks for the last of `messages`, side by side where none waits for another.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        results: dict[str, str] = {}

        async def do(name: str) -> None:
            task = next(task for task in TASKS if task.name == name)
            known = {other.name: results[other.name] for other in TASKS if other.name in before(task)}
            results[name] = await perform(task, messages{{ window }}, known, write)

        class Tasks(Flow):
            """A step for each task, which begins when those that it waits for are done."""

{{ steps }}

        await Tasks(suppress_flow_events=True).kickoff_async()
        write(Answered(joined(results)))

    return stream(answer)


{{ perform }}


{{ before }}


{{ brief }}
