"""A run of agents by the Agent Framework{{# calls }}, and what happens in it as events{{/ calls }}."""

from __future__ import annotations

{{# calls }}
import json
{{/ calls }}
from collections.abc import Awaitable, Callable{{# supervisor }}, Mapping{{/ supervisor }}

from agent_framework import (
    Agent,
    ChatContext,
    ChatMiddleware,
{{# calls }}
    FunctionInvocationContext,
    FunctionMiddleware,
{{/ calls }}
    Message,
{{# supervisor }}
    MiddlewareFailure,
{{/ supervisor }}
)

{{# calls }}
from .events import {{ event_names }}
{{/ calls }}
from .model import ENDPOINT_ERRORS, ModelError
{{# calls }}
from .stream import Emit
{{/ calls }}

Next = Callable[[], Awaitable[None]]


def conversation(messages: list[dict]) -> list[Message]:
    """Messages as the framework takes them."""
    return [Message(message["role"], [message["content"]]) for message in messages]


async def answer(agent: Agent, messages: list[dict]) -> str:
    """What the agent answers to the last of `messages`."""
    try:
        return (await agent.run(conversation(messages))).text
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
{{# supervisor }}
    except MiddlewareFailure as error:
        # What a specialist has ended with; see `Recorder`.
        raise error.__cause__ or error
{{/ supervisor }}


class StepLimit(ChatMiddleware):
    """Stops an agent that asks its model too often."""

    def __init__(self, max_steps: int) -> None:
        self.max_steps = max_steps
        self.steps = 0

    async def process(self, context: ChatContext, call_next: Next) -> None:
        if self.steps == self.max_steps:
            raise ModelError(f"the model came to no answer within {self.max_steps} steps")
        self.steps += 1
        await call_next()
{{# calls }}


class Recorder(FunctionMiddleware):
    """Tells of the tools that are called; what goes wrong in one is for the model to read."""

    def __init__(self, emit: Emit{{# supervisor }}, specialists: Mapping[str, str]{{/ supervisor }}) -> None:
        self.emit = emit
{{# supervisor }}
        self.specialists = specialists
{{/ supervisor }}

    async def process(self, context: FunctionInvocationContext, call_next: Next) -> None:
        name, call_id, arguments = context.function.name, str(context.metadata["call_id"]), dict(context.arguments)
{{# team }}
        if name.startswith("handoff_to_"):
            # Not a tool: the conversation is passed on.
            await call_next()
            return
{{/ team }}
        # What the framework makes of arguments that are not a JSON object.
        unreadable = arguments.get("raw") if set(arguments) == {"raw"} else None
        if unreadable is not None and "raw" not in context.function.parameters().get("properties", {}):
            self.emit(ToolCalled(call_id, name, str(unreadable)))
            context.result = "Error: expected the arguments as a JSON object"
        else:
            self.emit(ToolCalled(call_id, name, json.dumps(arguments)))
            await self.call(context, call_next)
        self.emit(ToolAnswered(call_id, text_of(context.result)))

    async def call(self, context: FunctionInvocationContext, call_next: Next) -> None:
{{# supervisor }}
        specialist = self.specialists.get(context.function.name)
        if specialist:
            self.emit(StepStarted(specialist))
{{/ supervisor }}
        try:
            await call_next()
{{# supervisor }}
        except ModelError as error:
            # Any other error would only be told to the model: a run that comes to no answer ends.
            raise MiddlewareFailure(str(error)) from error
{{/ supervisor }}
        except Exception as error:
            context.result = f"Error: {error}"
{{# supervisor }}
        if specialist:
            self.emit(StepFinished(specialist))
{{/ supervisor }}


def text_of(result: object) -> str:
    return result if isinstance(result, str) else "".join(part.text or "" for part in result)
{{/ calls }}
