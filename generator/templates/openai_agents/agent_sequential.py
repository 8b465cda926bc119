{{ docstring }}

from __future__ import annotations

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


# In the order in which they are done.
TASKS = [
{{ tasks }}
]


def run(messages: list[dict]) -> Iterator[Event]:
    """Does every task in turn for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        results: dict[str, str] = {}
        for task in TASKS:
            results[task.name] = await perform(task, messages{{ window }}, results, emit)
        emit(Answered(results[TASKS[-1].name]))

    return stream(work)


{{ perform }}


{{ brief }}


{{ build }}
