{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pydantic_ai
from pydantic_ai import ToolOutput

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ModelError, chat_model
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import conversation, work


{{ agents }}

FIRST = {{ first }}

# How often a conversation may be passed on.
MAX_TRANSFERS = 10


@dataclass(frozen=True)
class Transfer:
    """What an agent returns instead of an answer: who goes on."""

    name: str


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`; an agent passes the conversation on to one that fits better.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        name, history = FIRST, conversation(messages{{ window }})
        for _ in range(MAX_TRANSFERS + 1):
            write(StepStarted(name))
            agent = AGENTS[name]
            outputs = [str, *(transfer(other) for other in agent.handoffs)]
            result = await work(worker(agent, outputs), history, agent.max_steps{{# tools }}, write{{/ tools }})
            write(StepFinished(name))
            if not isinstance(result.output, Transfer):
                write(Answered(result.output))
                return
            name, history = result.output.name, result.all_messages()
        raise ModelError(f"the conversation was passed on more than {MAX_TRANSFERS} times")

    return stream(answer)


def transfer(name: str) -> ToolOutput:
    """An agent that the conversation may be passed on to, as the model is offered it."""

    def transfer_to() -> Transfer:
        return Transfer(name)

    return ToolOutput(
        transfer_to,
        name=f"transfer_to_{name}",
        description=f"Pass the conversation on to this agent: {AGENTS[name].role}",
    )


{{ worker }}
