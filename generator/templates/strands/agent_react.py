{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
from collections.abc import AsyncGenerator, Iterator
{{# tools }}
from contextlib import aclosing
{{/ tools }}

import strands
from strands.agent.conversation_manager import NullConversationManager
{{# tools }}
from strands.types.content import Message
{{/ tools }}

from .blocking import iterate
from .events import Answered, Event{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import ENDPOINT_ERRORS, MODELS, {{# tools }}NOT_JSON, {{/ tools }}ModelError, chat_model, strands_message, text_of
{{# tools }}
from .tools import TOOLS
{{/ tools }}

INSTRUCTIONS = {{ instructions }}
{{# tools }}

MAX_STEPS = {{ max_steps }}
{{/ tools }}


def build_agent() -> strands.Agent:
    """The model{{# tools }} and the tools that it may call{{/ tools }}."""
    return strands.Agent(
        model=chat_model(MODELS[{{ model }}]),
        system_prompt=INSTRUCTIONS,
{{# tools }}
        tools=TOOLS,
{{/ tools }}
        conversation_manager=NullConversationManager(),  # the conversation is kept whole
        retry_strategy=None,  # the model's client tries again by itself
        callback_handler=None,  # nothing is printed on the way
    )


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    return iterate(answer(messages{{ window }}))


async def answer(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until the agent has answered."""
    conversation = [strands_message(message["role"], message["content"]) for message in messages]
    try:
{{# tools }}
        async with aclosing(build_agent().stream_async(conversation, limits={"turns": MAX_STEPS})) as updates:
            async for update in updates:
                if "message" in update:
                    for event in events_of(update["message"]):
                        yield event
                elif "result" in update:
                    result = update["result"]
        if result.stop_reason == "limit_turns":
            raise ModelError(f"the model came to no answer within {MAX_STEPS} steps")
{{/ tools }}
{{^ tools }}
        result = await build_agent().invoke_async(conversation)
{{/ tools }}
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(text_of(result.message))
{{# tools }}


def events_of(message: Message) -> Iterator[Event]:
    """What a message of the conversation says about tools."""
    for block in message["content"]:
        if "toolUse" in block:
            call = block["toolUse"]
            yield ToolCalled(call["toolUseId"], call["name"], call["input"].get(NOT_JSON) or json.dumps(call["input"]))
        elif "toolResult" in block:
            answer = block["toolResult"]
            yield ToolAnswered(answer["toolUseId"], "".join(part.get("text", "") for part in answer["content"]))
{{/ tools }}
