{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pydantic_ai
from pydantic_ai import Tool

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, chat_model
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import conversation, work


{{ agents }}

SUPERVISOR = {{ first }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages` with what specialists have to say.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        supervisor = AGENTS[SUPERVISOR]
        specialists = [ask_tool(name, write) for name in AGENTS if name != SUPERVISOR]
        agent = worker(supervisor, *specialists)
        result = await work(agent, conversation(messages{{ window }}), supervisor.max_steps, write)
        write(Answered(result.output))

    return stream(answer)


def ask_tool(name: str, write: Write) -> Tool:
    """The tool that lets the supervisor ask a specialist, who knows only what the request says."""
    agent = AGENTS[name]

    async def ask(request: str) -> str:
        write(StepStarted(name))
        result = await work(worker(agent), conversation([{"role": "user", "content": request}]), agent.max_steps, write)
        write(StepFinished(name))
        return result.output

    return Tool(
        ask,
        name=f"ask_{name}",
        description=f"Ask this agent, who knows only what the request says: {agent.role}",
        # One specialist after another, so that steps do not overlap.
        sequential=True,
    )


def worker(agent: Agent, *specialists: Tool) -> pydantic_ai.Agent:
    """An agent as Pydantic AI knows it."""
    return pydantic_ai.Agent(
        chat_model(MODELS[agent.model]),
        instructions=agent.instructions,
        tools=[*specialists{{# tools }}, *(TOOLS[name] for name in agent.tools){{/ tools }}],
        retries=agent.max_steps,
    )
