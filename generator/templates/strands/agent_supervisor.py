{{ docstring }}

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

import strands
from strands.agent.conversation_manager import NullConversationManager
from strands.tools.executors import SequentialToolExecutor
from strands.types.content import Message, Messages
from strands.types.tools import AgentTool

from .blocking import iterate
from .events import Answered, Event, StepFinished, StepStarted, ToolAnswered, ToolCalled
from .model import ENDPOINT_ERRORS, MODELS, NOT_JSON, ModelError, chat_model, strands_message, text_of
{{# tools }}
from .tools import TOOLS
{{/ tools }}


{{ agents }}

# The agent that people talk to: it asks the others, and answers.
SUPERVISOR = {{ first }}


def build_agent(name: str) -> strands.Agent:
    """An agent with its own tools; the supervisor has every other agent for a tool, too."""
    tools = [{{# tools }}tool for tool in TOOLS if tool.tool_name in AGENTS[name].tools{{/ tools }}]
    if name == SUPERVISOR:
        tools += [ask(other) for other in AGENTS if other != SUPERVISOR]
    return strands.Agent(
        name=name,
        model=chat_model(MODELS[AGENTS[name].model]),
        system_prompt=AGENTS[name].instructions,
        tools=tools,
        tool_executor=SequentialToolExecutor(),  # so that one step ends before the next begins
        conversation_manager=NullConversationManager(),  # the conversation is kept whole
        retry_strategy=None,  # the model's client tries again by itself
        callback_handler=None,  # nothing is printed on the way
    )


def ask(name: str) -> AgentTool:
    """An agent as a tool. What happens meanwhile is what it yields; the text at the end is what it returns."""

    @strands.tool(
        name=f"ask_{name}",
        description=f"Ask {name}: {AGENTS[name].role}",
        inputSchema={
            "json": {
                "type": "object",
                "properties": {"request": {"type": "string", "description": "What is wanted, in full."}},
                "required": ["request"],
            }
        },
    )
    async def ask_agent(request: str) -> AsyncGenerator[Event | str, None]:
        yield StepStarted(name)
        result = ""
        try:
            async with aclosing(work(name, [strands_message("user", request)])) as events:
                async for event in events:
                    if isinstance(event, Answered):
                        result = event.text
                    else:
                        yield event
        except (ModelError, *ENDPOINT_ERRORS) as error:
            result = f"Error: {error}"
        yield StepFinished(name)
        yield result

    return ask_agent


async def work(name: str, conversation: Messages) -> AsyncGenerator[Event, None]:
    """What happens until an agent has answered."""
    limits = {"turns": AGENTS[name].max_steps}
    async with aclosing(build_agent(name).stream_async(conversation, limits=limits)) as updates:
        async for update in updates:
            match update:
                case {"message": message}:
                    for event in events_of(message):
                        yield event
                case {"tool_stream_event": {"data": event}} if not isinstance(event, str):
                    yield event
                case {"result": result}:
                    answer = result
    if answer.stop_reason == "limit_turns":
        raise ModelError(f"the model came to no answer within {AGENTS[name].max_steps} steps")
    yield Answered(text_of(answer.message))


def events_of(message: Message) -> Iterator[Event]:
    """What a message of a conversation says about tools."""
    for block in message["content"]:
        if "toolUse" in block:
            call = block["toolUse"]
            yield ToolCalled(call["toolUseId"], call["name"], call["input"].get(NOT_JSON) or json.dumps(call["input"]))
        elif "toolResult" in block:
            answer = block["toolResult"]
            yield ToolAnswered(answer["toolUseId"], "".join(part.get("text", "") for part in answer["content"]))


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    return iterate(answer(messages{{ window }}))


async def answer(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until the supervisor has answered."""
    conversation = [strands_message(message["role"], message["content"]) for message in messages]
    try:
        async with aclosing(work(SUPERVISOR, conversation)) as events:
            async for event in events:
                yield event
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
