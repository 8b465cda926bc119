{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import agents
from agents.extensions.handoff_filters import remove_all_tools

from .events import Answered, Event, StepFinished
from .model import MODELS, chat_model
from .runs import Team, result_of
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}


{{ agents }}

ROUTER = {{ first }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Lets the agent that fits best answer the last of `messages`.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        router = build_router()
        team = Team(emit, {name: agent.max_steps for name, agent in AGENTS.items()})
        result = await result_of(router, messages{{ window }}, None, team)
        while result.last_agent is router:
            error = f"Error: expected a call of one of: {', '.join(choice.tool_name for choice in router.handoffs)}"
            history = [*result.to_input_list(), {"role": "user", "content": error}]
            result = await result_of(router, history, None, team)
        emit(StepFinished(result.last_agent.name))
        emit(Answered(str(result.final_output or "")))

    return stream(work)


def build_router() -> agents.Agent:
    """The agent that chooses, and can do nothing else."""
    router = build_agent(ROUTER)
    router.model_settings.tool_choice = "required"
    router.reset_tool_choice = False
    others = [build_agent(name) for name in AGENTS if name != ROUTER]
    # Whoever answers need not know of the choice.
    router.handoffs = [agents.handoff(other, input_filter=remove_all_tools) for other in others]
    return router


{{ build }}
