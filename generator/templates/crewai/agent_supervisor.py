{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel
from .streaming import Write, stream
from .working import ask_tool, {{# tools }}tool, {{/ tools }}work


{{ crew }}

SUPERVISOR = {{ first }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages` with what specialists have to say.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        specialists = [specialist(name, write) for name in AGENTS if name != SUPERVISOR]
        write(Answered(await work_as(SUPERVISOR, messages{{ window }}, specialists, write)))

    return stream(answer)


def specialist(name: str, write: Write):
    """A specialist as the supervisor is offered it: a tool. It knows only what the request says."""

    async def ask(request: str) -> str:
        write(StepStarted(name))
        answer = await work_as(name, [{"role": "user", "content": request}], [], write)
        write(StepFinished(name))
        return answer

    description = f"Ask this agent, who knows only what the request says: {AGENTS[name].role}"
    return ask_tool(f"ask_{name}", description, ask, write)


async def work_as(name: str, messages: list[dict], specialists: list, write: Write) -> str:
    agent = AGENTS[name]
    model = ChatModel(MODELS[agent.model], agent.max_steps)
    tools = [*specialists{{# tools }}, *(tool(known, write) for known in agent.tools){{/ tools }}]
    return await work(model, agent.role, agent.instructions, messages, tools)
