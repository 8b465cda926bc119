{{ docstring }}

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from google.adk.agents import BaseAgent, InvocationContext, LlmAgent
from google.adk.events import Event as Happening
from google.adk.tools import BaseTool, ToolContext
from google.genai.types import FunctionDeclaration
from pydantic import PrivateAttr

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel, ModelError
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import happenings, {{# tools }}tell, {{/ tools }}text_of


{{ agents }}

FIRST = {{ first }}

# How often a conversation may be passed on.
MAX_TRANSFERS = 10
{{# tools }}

# The tools that pass it on; what they do is shown as steps.
TRANSFERS = [f"transfer_to_{name}" for name in AGENTS]
{{/ tools }}

# Where a session has the agent that the conversation is passed on to.
TARGET = "target"


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`; an agent passes the conversation on to one that fits better.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        text = ""
        async for happening in happenings(Conversation(write), messages{{ window }}):
{{# tools }}
            tell(happening, write, hidden=TRANSFERS)
{{/ tools }}
            text = text_of(happening) or text
        write(Answered(text))

    return stream(answer)


class Conversation(BaseAgent):
    """The agents, one of which has the conversation at a time."""

    _write: Write = PrivateAttr()

    def __init__(self, write: Write) -> None:
        super().__init__(name="conversation", sub_agents=[llm_agent(name) for name in AGENTS])
        self._write = write

    async def _run_async_impl(self, ctx: InvocationContext) -> AsyncIterator[Happening]:
        name = FIRST
        for _ in range(MAX_TRANSFERS + 1):
            target = None
            self._write(StepStarted(name))
            async for happening in self.find_agent(name).run_async(ctx):
                target = happening.actions.state_delta.get(TARGET, target)
                yield happening
            self._write(StepFinished(name))
            if target is None:
                return
            name = target
        raise ModelError(f"the conversation was passed on more than {MAX_TRANSFERS} times")


class Transfer(BaseTool):
    """Passes the conversation on to an agent."""

    def __init__(self, name: str) -> None:
        description = f"Pass the conversation on to this agent: {AGENTS[name].role}"
        super().__init__(name=f"transfer_to_{name}", description=description)
        self.target = name

    def _get_declaration(self) -> FunctionDeclaration:
        return FunctionDeclaration(name=self.name, description=self.description)

    async def run_async(self, *, args: dict, tool_context: ToolContext) -> dict:
        tool_context.state[TARGET] = self.target
        # The agent that passes it on says nothing more.
        tool_context.actions.skip_summarization = True
        return {"result": f"The conversation goes on with {self.target}"}


def llm_agent(name: str) -> LlmAgent:
    """An agent as ADK knows it."""
    agent = AGENTS[name]
    model = ChatModel(MODELS[agent.model], agent.max_steps)
    return LlmAgent(
        name=name,
        model=model,
        before_agent_callback=model.begin,
        static_instruction=agent.instructions,
        tools=[*(Transfer(other) for other in agent.handoffs){{# tools }}, *(TOOLS[tool] for tool in agent.tools){{/ tools }}],
        disallow_transfer_to_parent=True,
        disallow_transfer_to_peers=True,
    )
