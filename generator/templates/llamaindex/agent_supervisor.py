{{ docstring }}

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from llama_index.core.agent.workflow import ToolCall, ToolCallResult
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context
from llama_index.core.workflow import Event as Update

from .blocking import iterate
from .events import Answered, Event, StepFinished, StepStarted, ToolAnswered, ToolCalled
from .limited_agent import LimitedAgent
from .model import ENDPOINT_ERRORS, MODELS, NOT_JSON, ModelError, chat_model
{{# tools }}
from .tools import TOOLS
{{/ tools }}


{{ agents }}

# The agent that people talk to: it asks the others, and answers.
SUPERVISOR = {{ first }}


class Asked(Update):
    """An agent was asked."""

    name: str


class Told(Update):
    """It has told what it was asked for."""

    name: str


def build_agent(name: str) -> LimitedAgent:
    """An agent with its own tools; the supervisor has every other agent for a tool, too."""
    tools = [{{# tools }}tool for tool in TOOLS if tool.metadata.name in AGENTS[name].tools{{/ tools }}]
    if name == SUPERVISOR:
        turn = asyncio.Lock()
        tools += [ask(other, turn) for other in AGENTS if other != SUPERVISOR]
    return LimitedAgent(
        name=name,
        llm=chat_model(MODELS[AGENTS[name].model]),
        system_prompt=AGENTS[name].instructions,
        tools=tools,
        max_steps=AGENTS[name].max_steps,
        streaming=False,
    )


def ask(name: str, turn: asyncio.Lock) -> FunctionTool:
    """An agent as a tool. The agents have their turns one after another, so that one step ends before the next."""

    # LlamaIndex reads these annotations: they are why this module does without `from __future__ import annotations`.
    async def ask_agent(context: Context, request: str) -> str:
        async with turn:
            context.write_event_to_stream(Asked(name=name))
            try:
                handler = build_agent(name).run(request)
                async for update in handler.stream_events():
                    if isinstance(update, (ToolCall, ToolCallResult)):
                        context.write_event_to_stream(update)
                return (await handler).response.content or ""
            except (ModelError, *ENDPOINT_ERRORS) as error:
                raise RuntimeError(f"Error: {error}") from error
            finally:
                context.write_event_to_stream(Told(name=name))

    return FunctionTool.from_defaults(
        async_fn=ask_agent, name=f"ask_{name}", description=f"Ask {name}: {AGENTS[name].role}"
    )


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    return iterate(answer(messages{{ window }}))


async def answer(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until the supervisor has answered."""
    handler = build_agent(SUPERVISOR).run(chat_history=[ChatMessage(**message) for message in messages])
    try:
        async for update in handler.stream_events():
            for event in events_of(update):
                yield event
        output = await handler
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(output.response.content or "")


def events_of(update: Update) -> Iterator[Event]:
    """What an update says about agents and tools."""
    if isinstance(update, Asked):
        yield StepStarted(update.name)
    elif isinstance(update, Told):
        yield StepFinished(update.name)
    elif isinstance(update, ToolCall):
        given = update.tool_kwargs
        yield ToolCalled(update.tool_id, update.tool_name, given.get(NOT_JSON) or json.dumps(given))
    elif isinstance(update, ToolCallResult):
        yield ToolAnswered(update.tool_id, update.tool_output.content)
