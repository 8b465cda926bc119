{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from llama_index.core.agent.workflow import AgentInput, AgentWorkflow{{# tools }}, ToolCall, ToolCallResult{{/ tools }}
from llama_index.core.llms import ChatMessage
{{# tools }}
from llama_index.core.workflow import Event as Update
{{/ tools }}

from .blocking import iterate
from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .limited_agent import LimitedAgent
from .model import ENDPOINT_ERRORS, MODELS, {{# tools }}NOT_JSON, {{/ tools }}ModelError, chat_model
{{# tools }}
from .tools import TOOLS
{{/ tools }}


{{ agents }}

# The agent that people talk to, and how often the conversation may be passed on from there.
FIRST = {{ first }}
MAX_TRANSFERS = 10


def build_workflow() -> AgentWorkflow:
    """The agents; LlamaIndex offers each the function `handoff`, with the agents that it may name."""
    agents = [
        LimitedAgent(
            name=name,
            description=agent.role,
            llm=chat_model(MODELS[agent.model]),
            system_prompt=agent.instructions,
            tools=[{{# tools }}tool for tool in TOOLS if tool.metadata.name in agent.tools{{/ tools }}],
            can_handoff_to=list(agent.handoffs),
            max_steps=agent.max_steps,
            streaming=False,
        )
        for name, agent in AGENTS.items()
    ]
    return AgentWorkflow(agents, root_agent=FIRST)


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    return iterate(answer(messages{{ window }}))


async def answer(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until an agent has answered."""
    # The agents have limits of their own, and so has the number of transfers.
    steps = sum(agent.max_steps for agent in AGENTS.values()) + 2
    conversation = [ChatMessage(**message) for message in messages]
    handler = build_workflow().run(chat_history=conversation, max_iterations=steps)
    turns: list[str] = []
    try:
        async for update in handler.stream_events():
            if isinstance(update, AgentInput) and update.current_agent_name not in turns[-1:]:
                if turns:
                    yield StepFinished(turns[-1])
                if len(turns) > MAX_TRANSFERS:
                    raise ModelError(f"the conversation was passed on more than {MAX_TRANSFERS} times")
                turns.append(update.current_agent_name)
                yield StepStarted(turns[-1])
{{# tools }}
            for event in events_of(update):
                yield event
{{/ tools }}
        output = await handler
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield StepFinished(turns[-1])
    yield Answered(output.response.content or "")
{{# tools }}


def events_of(update: Update) -> Iterator[Event]:
    """What an update of the workflow says about tools; passing on is told as steps."""
    if isinstance(update, (ToolCall, ToolCallResult)) and update.tool_name == "handoff":
        return
    if isinstance(update, ToolCall):
        given = update.tool_kwargs
        yield ToolCalled(update.tool_id, update.tool_name, given.get(NOT_JSON) or json.dumps(given))
    elif isinstance(update, ToolCallResult):
        yield ToolAnswered(update.tool_id, update.tool_output.content)
{{/ tools }}
