{{ docstring }}

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator

from llama_index.core.agent.workflow import ToolCall, ToolCallResult
from llama_index.core.llms import ChatMessage
from llama_index.core.workflow import Event as Update

from .blocking import iterate
from .events import Answered, Event, ToolAnswered, ToolCalled
from .limited_agent import LimitedAgent
from .model import ENDPOINT_ERRORS, MODELS, NOT_JSON, ModelError, chat_model
from .tools import TOOLS

INSTRUCTIONS = {{ instructions }}

MAX_STEPS = {{ max_steps }}


def build_agent() -> LimitedAgent:
    """The model and the tools that it may call."""
    return LimitedAgent(
        llm=chat_model(MODELS[{{ model }}]),
        system_prompt=INSTRUCTIONS,
        tools=TOOLS,
        max_steps=MAX_STEPS,
        streaming=False,
    )


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    return iterate(answer(messages{{ window }}))


async def answer(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until the agent has answered."""
    handler = build_agent().run(chat_history=[ChatMessage(**message) for message in messages])
    try:
        async for update in handler.stream_events():
            for event in events_of(update):
                yield event
        output = await handler
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(output.response.content or "")


def events_of(update: Update) -> Iterator[Event]:
    """What an update says about tools."""
    if isinstance(update, ToolCall):
        given = update.tool_kwargs
        yield ToolCalled(update.tool_id, update.tool_name, given.get(NOT_JSON) or json.dumps(given))
    elif isinstance(update, ToolCallResult):
        yield ToolAnswered(update.tool_id, update.tool_output.content)
