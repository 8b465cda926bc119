{{ docstring }}

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import agents

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, chat_model
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


def run(messages: list[dict]) -> Iterator[Event]:
    """Does the tasks for the last of `messages`, side by side where none waits for another.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        under_way: dict[str, asyncio.Task[str]] = {}

        async def begin(task: Task) -> str:
            waited_for = before(task)
            known = {other.name: await under_way[other.name] for other in TASKS if other.name in waited_for}
            return await perform(task, messages{{ window }}, known, emit)

        for task in TASKS:
            under_way[task.name] = asyncio.create_task(begin(task))
        results = await asyncio.gather(*under_way.values())
        emit(Answered(joined(dict(zip(under_way, results, strict=True)))))

    return stream(work)


{{ perform }}


{{ before }}


{{ brief }}


{{ build }}
