{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import agents

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, chat_model
from .runs import Team, result_of
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}


{{ agents }}

FIRST = {{ first }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`; an agent passes the conversation on to one that fits better.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        team = Team(emit, {name: agent.max_steps for name, agent in AGENTS.items()})
        first = build_team()
        emit(StepStarted(FIRST))
        result = await result_of(first, messages{{ window }}, None, team)
        emit(StepFinished(result.last_agent.name))
        emit(Answered(str(result.final_output or "")))

    return stream(work)


def build_team() -> agents.Agent:
    """The first agent, with all that the conversation may be passed on to."""
    team = {name: build_agent(name) for name in AGENTS}
    for name, agent in team.items():
        agent.handoffs = [team[other] for other in AGENTS[name].handoffs]
    return team[FIRST]


{{ build }}
