{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import agent_framework

from .events import Answered, Event
from .model import MODELS, chat_client
from .runs import Next, Recorder, StepLimit, answer
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}


{{ agents }}

SUPERVISOR = {{ first }}

# What the supervisor asks, by the names under which its model is offered them.
SPECIALISTS = {f"ask_{name}": name for name in AGENTS if name != SUPERVISOR}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages` with what the other agents find out and do.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        specialists = [specialist(tool, name, emit) for tool, name in SPECIALISTS.items()]
        emit(Answered(await answer(build_agent(SUPERVISOR, emit, specialists), messages{{ window }})))

    return stream(work)


def specialist(tool: str, name: str, emit: Emit) -> agent_framework.FunctionTool:
    """An agent as a tool of the supervisor."""
    return build_agent(name, emit).as_tool(
        name=tool,
        description=f"Ask this agent, who knows only what the request says: {AGENTS[name].role}",
        arg_name="request",
        arg_description="What to find out or do, with all that is needed for it.",
    )


class Consultation(agent_framework.AgentMiddleware):
    """Lets an agent begin anew each time that it is asked."""

    def __init__(self, limit: StepLimit) -> None:
        self.limit = limit

    async def process(self, context: agent_framework.AgentContext, call_next: Next) -> None:
        self.limit.steps = 0
        await call_next()


def build_agent(
    name: str, emit: Emit, specialists: Sequence[agent_framework.FunctionTool] = ()
) -> agent_framework.Agent:
    """An agent with its model and its tools."""
    agent = AGENTS[name]
    model = MODELS[agent.model]
    limit = StepLimit(agent.max_steps)
    return agent_framework.Agent(
        client=chat_client(model, agent.max_steps),
        name=name,
        instructions=agent.instructions,
        default_options={"temperature": model.temperature},
        tools=[{{# tools }}*(TOOLS[tool] for tool in agent.tools), {{/ tools }}*specialists],
        middleware=[Consultation(limit), limit, Recorder(emit, SPECIALISTS)],
    )
