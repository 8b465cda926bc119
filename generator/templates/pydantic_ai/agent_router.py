{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pydantic_ai
from pydantic_ai import ToolOutput

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, chat_model
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import conversation, work


{{ agents }}

ROUTER = {{ first }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Lets the agent that fits best answer the last of `messages`.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        name = await choose(messages{{ window }})
        write(StepStarted(name))
        agent = AGENTS[name]
        result = await work(worker(agent), conversation(messages{{ window }}), agent.max_steps{{# tools }}, write{{/ tools }})
        write(StepFinished(name))
        write(Answered(result.output))

    return stream(answer)


async def choose(messages: list[dict]) -> str:
    """The name of the agent that should answer; the model is asked until it chooses one."""
    router = AGENTS[ROUTER]
    chooser = pydantic_ai.Agent(
        chat_model(MODELS[router.model]),
        instructions=router.instructions,
        output_type=[choice(name) for name in AGENTS if name != ROUTER],
        retries=router.max_steps,
    )
    return (await work(chooser, conversation(messages), router.max_steps)).output


def choice(name: str) -> ToolOutput:
    """An agent as the model is offered it: choosing it is the only way to end."""

    def choose_it() -> str:
        return name

    return ToolOutput(
        choose_it,
        name=f"transfer_to_{name}",
        description=f"Let this agent answer: {AGENTS[name].role}",
    )


{{ worker }}
