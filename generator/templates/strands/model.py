"""The models that the agents ask, and where they answer (OpenAI chat completions).

Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
"""

from __future__ import annotations

{{# offers }}
import json
{{/ offers }}
import logging
import os
{{# offers }}
from collections.abc import AsyncIterator
{{/ offers }}
from dataclasses import dataclass
from typing import Any

import openai
from strands.models.openai import OpenAIModel
from strands.types.content import Message
from strands.types.exceptions import (
    ContextWindowOverflowException,
    EventLoopException,
    MaxTokensReachedException,
    ModelThrottledException,
)

ATTEMPTS = 3
TIMEOUT_SECONDS = 120

# What a model's endpoint can fail with.
ENDPOINT_ERRORS = (
    openai.OpenAIError,
    ContextWindowOverflowException,
    EventLoopException,
    MaxTokensReachedException,
    ModelThrottledException,
)
{{# offers }}

# Under this name a tool gets arguments that are not a JSON object, so that it can say so.
NOT_JSON = "not JSON"
{{/ offers }}

# What fails is raised; that it is logged as well is for whoever sets logging up.
for logger in ("opentelemetry", "strands"):
    logging.getLogger(logger).addHandler(logging.NullHandler())


class ConfigurationError(RuntimeError):
    """A setting is missing; the message says which one and what it should be."""


class ModelError(RuntimeError):
    """The endpoint did not answer as it should."""


@dataclass(frozen=True)
class Model:
    """A model and the environment variables that say where it answers."""

    base_url_variable: str
    key_variable: str
    name: str | None = None
    temperature: float | None = None


MODELS = {
{{ models }}
}


class ChatModel(OpenAIModel):
    """Strands' client, kept to what every endpoint understands."""

    def format_request(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The request without an empty list of tools, and with text as text instead of in parts."""
        request = super().format_request(*arguments, **options)
        if not request["tools"]:
            del request["tools"]
        for message in request["messages"]:
            if isinstance(message.get("content"), list):
                message["content"] = "".join(part["text"] for part in message["content"])
        return request
{{# offers }}

    async def stream(self, *arguments: Any, **options: Any) -> AsyncIterator[dict[str, Any]]:
        """The parts of an answer. Where Strands would call a tool with nothing for arguments that are not JSON,
        the tool gets them as they were written."""
        written = None
        async for part in super().stream(*arguments, **options):
            if "contentBlockStart" in part:
                written = "" if "toolUse" in part["contentBlockStart"]["start"] else None
            elif "contentBlockDelta" in part and written is not None:
                written += part["contentBlockDelta"]["delta"]["toolUse"]["input"]
                continue
            elif "contentBlockStop" in part and written is not None:
                yield {"contentBlockDelta": {"delta": {"toolUse": {"input": json_object(written)}}}}
            yield part


def json_object(written: str) -> str:
    """A tool's arguments as a model wrote them, or an object that says that they are none."""
    try:
        is_object = isinstance(json.loads(written or "{}"), dict)
    except ValueError:
        is_object = False
    return written or "{}" if is_object else json.dumps({NOT_JSON: written})
{{/ offers }}


def setting(variable: str, meaning: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigurationError(f"{variable} is not set: set it to {meaning}")
    return value


def chat_model(model: Model) -> ChatModel:
    """The model as Strands knows it."""
    return ChatModel(
        client_args={
            "base_url": setting(model.base_url_variable, "the endpoint's address, such as http://127.0.0.1:11434/v1"),
            # Endpoints on one's own machine often want no key, but the client insists on one.
            "api_key": os.environ.get(model.key_variable, "").strip() or "none",
            "max_retries": ATTEMPTS - 1,
            "timeout": TIMEOUT_SECONDS,
        },
        model_id=model.name or setting("MODEL_NAME", "the model's name at its endpoint"),
        params={} if model.temperature is None else {"temperature": model.temperature},
        stream=False,
    )


def strands_message(role: str, text: str) -> Message:
    """A message as Strands has it."""
    return {"role": role, "content": [{"text": text}]}


def text_of(message: Message) -> str:
    """The text of a message."""
    return "".join(block["text"] for block in message["content"] if "text" in block)
