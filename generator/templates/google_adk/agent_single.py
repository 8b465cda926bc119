{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from google.adk.agents import LlmAgent

from .events import Answered, Event
from .model import MODELS, ChatModel
from .streaming import Write, stream
from .working import work

INSTRUCTIONS = {{ instructions }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""

    async def answer(write: Write) -> None:
        model = ChatModel(MODELS[{{ model }}], max_steps=1)
        agent = LlmAgent(name={{ first }}, model=model, static_instruction=INSTRUCTIONS)
        write(Answered(await work(agent, messages{{ window }})))

    return stream(answer)
