{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from agent_framework import Agent

from .events import Answered, Event
from .model import MODELS, chat_client
from .runs import {{# tools }}Recorder, {{/ tools }}StepLimit, answer
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}

INSTRUCTIONS = {{ instructions }}

{{# tools }}
MAX_STEPS = {{ max_steps }}
{{/ tools }}
{{^ tools }}
MAX_STEPS = 1
{{/ tools }}


def build_agent({{# tools }}emit: Emit{{/ tools }}) -> Agent:
    """The agent with its model{{# tools }} and its tools{{/ tools }}."""
    model = MODELS[{{ model }}]
    return Agent(
        client=chat_client(model, MAX_STEPS),
        name={{ first }},
        instructions=INSTRUCTIONS,
        default_options={"temperature": model.temperature},
{{# tools }}
        tools=list(TOOLS.values()),
{{/ tools }}
        middleware=[StepLimit(MAX_STEPS){{# tools }}, Recorder(emit){{/ tools }}],
    )


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""

    async def work(emit: Emit) -> None:
        emit(Answered(await answer(build_agent({{# tools }}emit{{/ tools }}), messages{{ window }})))

    return stream(work)
