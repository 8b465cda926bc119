{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from google.adk.agents import LlmAgent

from .events import Answered, Event
from .model import MODELS, ChatModel
from .streaming import Write, stream
from .tools import TOOLS
from .working import work

INSTRUCTIONS = {{ instructions }}

MAX_STEPS = {{ max_steps }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""

    async def answer(write: Write) -> None:
        model = ChatModel(MODELS[{{ model }}], MAX_STEPS)
        agent = LlmAgent(name={{ first }}, model=model, static_instruction=INSTRUCTIONS, tools=list(TOOLS.values()))
        write(Answered(await work(agent, messages{{ window }}, write)))

    return stream(answer)
