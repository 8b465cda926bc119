{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from pydantic_ai import Agent

from .events import Answered, Event
from .model import MODELS, chat_model
from .streaming import Write, stream
from .tools import TOOLS
from .working import conversation, work

INSTRUCTIONS = {{ instructions }}

MAX_STEPS = {{ max_steps }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""

    async def answer(write: Write) -> None:
        model = chat_model(MODELS[{{ model }}])
        agent = Agent(model, instructions=INSTRUCTIONS, tools=list(TOOLS.values()), retries=MAX_STEPS)
        result = await work(agent, conversation(messages{{ window }}), MAX_STEPS, write)
        write(Answered(result.output))

    return stream(answer)
