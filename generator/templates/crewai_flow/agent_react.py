{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from crewai.flow.flow import Flow, start

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
        class Answering(Flow):
            """One step: the agent works until it has an answer."""

            @start()
            async def do_answer(self) -> str:
                model = ChatModel(MODELS[{{ model }}], MAX_STEPS)
                return await work(model, ROLE, INSTRUCTIONS, messages{{ window }}, [tool(name, write) for name in TOOLS])

        write(Answered(await Answering(suppress_flow_events=True).kickoff_async()))

    return stream(answer)
