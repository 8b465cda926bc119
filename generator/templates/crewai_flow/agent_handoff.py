{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crewai.flow.flow import Flow, listen, router, start

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel, ModelError
from .streaming import Write, stream
from .working import {{# tools }}tool, {{/ tools }}transfer_tool, work


{{ crew }}

FIRST = {{ first }}

# How often a conversation may be passed on.
MAX_TRANSFERS = 10


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`; an agent passes the conversation on to one that fits better.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        turns = 0

        async def talk(name: str) -> str:
            """The way on: to the agent that the conversation is passed on to, or to the end after an answer."""
            nonlocal turns
            if turns > MAX_TRANSFERS:
                raise ModelError(f"the conversation was passed on more than {MAX_TRANSFERS} times")
            turns += 1
            write(StepStarted(name))
            agent = AGENTS[name]
            model = ChatModel(MODELS[agent.model], agent.max_steps)
            targets: list[str] = []
            tools = [transfer(other, targets) for other in agent.handoffs]
{{# tools }}
            tools += [tool(known, write) for known in agent.tools]
{{/ tools }}
            text = await work(model, agent.role, agent.instructions, messages{{ window }}, tools)
            write(StepFinished(name))
            if targets:
                return f"to_{targets[0]}"
            write(Answered(text))
            return "to_end"

        class Conversation(Flow):
            """A step for each agent, and after it the way on."""

            @start()
            def begin(self) -> None:
                pass

            @router(begin)
            def enter(self) -> str:
                return f"to_{FIRST}"

{{ steps }}

        await Conversation(suppress_flow_events=True).kickoff_async()

    return stream(answer)


def transfer(name: str, targets: list[str]):
    """An agent that the conversation may be passed on to, as the model is offered it."""
    description = f"Pass the conversation on to this agent: {AGENTS[name].role}"
    return transfer_tool(f"transfer_to_{name}", description, lambda: targets.append(name))
