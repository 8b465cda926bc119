{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crewai.flow.flow import Flow, listen, router, start

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel
from .streaming import Write, stream
from .working import {{# tools }}tool, {{/ tools }}transfer_tool, work


{{ crew }}

ROUTER = {{ first }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Lets the agent that fits best answer the last of `messages`.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        async def answer_as(name: str) -> None:
            write(StepStarted(name))
            agent = AGENTS[name]
            model = ChatModel(MODELS[agent.model], agent.max_steps)
            tools = [{{# tools }}tool(known, write) for known in agent.tools{{/ tools }}]
            text = await work(model, agent.role, agent.instructions, messages{{ window }}, tools)
            write(StepFinished(name))
            write(Answered(text))

        class Routing(Flow):
            """The choice, and a step for each agent that may be chosen."""

            @start()
            async def begin(self) -> str:
                return await choose(messages{{ window }})

            @router(begin)
            def enter(self, name: str) -> str:
                return f"to_{name}"

{{ steps }}

        await Routing(suppress_flow_events=True).kickoff_async()

    return stream(answer)


async def choose(messages: list[dict]) -> str:
    """The name of the agent that should answer; the model is asked until it chooses one."""
    agent = AGENTS[ROUTER]
    model = ChatModel(MODELS[agent.model], agent.max_steps)
    chosen: list[str] = []
    choices = [choice(name, chosen) for name in AGENTS if name != ROUTER]
    told = list(messages)
    while not chosen:
        said = await work(model, agent.role, agent.instructions, told, choices)
        # Without a choice, it should have chosen instead of answering.
        error = f"Error: expected a call of one of: {', '.join(choice.name for choice in choices)}"
        told += [{"role": "assistant", "content": said}, {"role": "user", "content": error}]
    return chosen[0]


def choice(name: str, chosen: list[str]):
    """An agent as the model is offered it."""
    description = f"Let this agent answer: {AGENTS[name].role}"
    return transfer_tool(f"transfer_to_{name}", description, lambda: chosen.append(name))
