{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pydantic_ai

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, chat_model
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import conversation, work


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

    async def answer(write: Write) -> None:
        results: dict[str, str] = {}
        for task in TASKS:
            results[task.name] = await perform(task, messages{{ window }}, results, write)
        write(Answered(results[TASKS[-1].name]))

    return stream(answer)


{{ perform }}


{{ brief }}
