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


# In the order in which they are done.
TASKS = [
{{ tasks }}
]


def run(messages: list[dict]) -> Iterator[Event]:
    """Does every task in turn for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        results: dict[str, str] = {}

        async def do(name: str) -> None:
            task = next(task for task in TASKS if task.name == name)
            results[name] = await perform(task, messages{{ window }}, results, write)

        class Tasks(Flow):
            """A step for each task, one after another."""

{{ steps }}

        await Tasks(suppress_flow_events=True).kickoff_async()
        write(Answered(results[TASKS[-1].name]))

    return stream(answer)


{{ perform }}


{{ brief }}
