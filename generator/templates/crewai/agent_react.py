{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from .events import Answered, Event
from .model import MODELS, ChatModel
from .streaming import Write, stream
from .tools import TOOLS
from .working import tool, work

ROLE = {{ role }}

INSTRUCTIONS = {{ instructions }}

MAX_STEPS = {{ max_steps }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""

    async def answer(write: Write) -> None:
        model = ChatModel(MODELS[{{ model }}], MAX_STEPS)
        tools = [tool(name, write) for name in TOOLS]
        write(Answered(await work(model, ROLE, INSTRUCTIONS, messages{{ window }}, tools)))

    return stream(answer)
