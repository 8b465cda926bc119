{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

import agents

from .events import Answered, Event
from .model import MODELS, chat_model
from .runs import {{# tools }}Recorder, {{/ tools }}answer
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}

INSTRUCTIONS = {{ instructions }}
{{# tools }}

MAX_STEPS = {{ max_steps }}
{{/ tools }}


def build_agent() -> agents.Agent:
    """The agent with its model{{# tools }} and its tools{{/ tools }}."""
    model = MODELS[{{ model }}]
    return agents.Agent(
        name={{ first }},
        instructions=INSTRUCTIONS,
        model=chat_model(model),
        model_settings=agents.ModelSettings(temperature=model.temperature),
{{# tools }}
        tools=list(TOOLS.values()),
{{/ tools }}
    )


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""

    async def work(emit: Emit) -> None:
{{# tools }}
        emit(Answered(await answer(build_agent(), messages{{ window }}, MAX_STEPS, Recorder(emit))))
{{/ tools }}
{{^ tools }}
        emit(Answered(await answer(build_agent(), messages{{ window }}, max_steps=1)))
{{/ tools }}

    return stream(work)
