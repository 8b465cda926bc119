{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from crewai.flow.flow import Flow, start

from .events import Answered, Event
from .model import MODELS, ChatModel
from .streaming import Write, stream
from .working import work

ROLE = {{ role }}

INSTRUCTIONS = {{ instructions }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""

    async def answer(write: Write) -> None:
        class Answering(Flow):
            """One step: the agent works until it has an answer."""

            @start()
            async def do_answer(self) -> str:
                model = ChatModel(MODELS[{{ model }}], 1)
                return await work(model, ROLE, INSTRUCTIONS, messages{{ window }})

        write(Answered(await Answering(suppress_flow_events=True).kickoff_async()))

    return stream(answer)
