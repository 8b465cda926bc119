{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from pydantic_ai import Agent

from .events import Answered, Event
from .model import MODELS, chat_model
from .streaming import Write, stream
from .working import conversation, work

INSTRUCTIONS = {{ instructions }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""

    async def answer(write: Write) -> None:
        agent = Agent(chat_model(MODELS[{{ model }}]), instructions=INSTRUCTIONS)
        result = await work(agent, conversation(messages{{ window }}), 1)
        write(Answered(result.output))

    return stream(answer)
