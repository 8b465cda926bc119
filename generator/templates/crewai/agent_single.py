{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from .events import Answered, Event
from .model import MODELS, ChatModel
from .streaming import Write, stream
from .working import work

ROLE = {{ role }}

INSTRUCTIONS = {{ instructions }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""

    async def answer(write: Write) -> None:
        model = ChatModel(MODELS[{{ model }}], 1)
        write(Answered(await work(model, ROLE, INSTRUCTIONS, messages{{ window }})))

    return stream(answer)
