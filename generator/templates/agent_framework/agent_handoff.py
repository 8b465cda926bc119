{{ docstring }}

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import agent_framework
from agent_framework import AgentContext, AgentMiddleware, Workflow
from agent_framework.orchestrations import HandoffBuilder

from .events import Answered, Event, StepFinished, StepStarted
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_client
from .runs import Next, {{# tools }}Recorder, {{/ tools }}StepLimit, conversation
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}

# The framework warns of agents that cannot pass the conversation on; they may answer all the same.
logging.getLogger("agent_framework_orchestrations").setLevel(logging.ERROR)


{{ agents }}

FIRST = {{ first }}

# How often a conversation may be passed on.
MAX_TRANSFERS = 10


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`; an agent passes the conversation on to one that fits better.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        try:
            result = await build_workflow(emit).run(conversation(messages{{ window }}))
        except ENDPOINT_ERRORS as error:
            raise ModelError(f"the model's endpoint failed: {error}") from error
        emit(Answered(result.get_outputs()[-1].text))

    return stream(work)


def build_workflow(emit: Emit) -> Workflow:
    """The agents, and whom each may pass the conversation on to."""
    turns = itertools.count()
    team = {name: build_agent(name, emit, turns) for name in AGENTS}
    builder = HandoffBuilder(participants=list(team.values())).with_start_agent(team[FIRST])
    for name, agent in team.items():
        if AGENTS[name].handoffs:
            builder.add_handoff(agent, [team[other] for other in AGENTS[name].handoffs])
    return builder.build()


class Turn(AgentMiddleware):
    """Tells of the agent that has the conversation, and stops agents that pass it on for ever."""

    def __init__(self, emit: Emit, limit: StepLimit, turns: Iterator[int]) -> None:
        self.emit = emit
        self.limit = limit
        self.turns = turns

    async def process(self, context: AgentContext, call_next: Next) -> None:
        if next(self.turns) > MAX_TRANSFERS:
            raise ModelError(f"the conversation was passed on more than {MAX_TRANSFERS} times")
        self.limit.steps = 0
        self.emit(StepStarted(context.agent.name))
        await call_next()
        self.emit(StepFinished(context.agent.name))


def build_agent(name: str, emit: Emit, turns: Iterator[int]) -> agent_framework.Agent:
    """An agent with its model{{# tools }} and its tools{{/ tools }}."""
    agent = AGENTS[name]
    model = MODELS[agent.model]
    limit = StepLimit(agent.max_steps)
    return agent_framework.Agent(
        client=chat_client(model, agent.max_steps),
        name=name,
        description=f"Pass the conversation on to this agent: {agent.role}",
        instructions=agent.instructions,
        default_options={"temperature": model.temperature},
{{# tools }}
        tools=[TOOLS[tool] for tool in agent.tools],
{{/ tools }}
        middleware=[Turn(emit, limit, turns), limit{{# tools }}, Recorder(emit){{/ tools }}],
        # What handoffs ask for.
        require_per_service_call_history_persistence=True,
    )
