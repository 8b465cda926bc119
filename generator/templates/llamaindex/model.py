"""The models that the agents ask, and where they answer (OpenAI chat completions).

Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
"""

from __future__ import annotations

{{# offers }}
import json
{{/ offers }}
import os
from dataclasses import dataclass
from typing import Any

import openai
{{# offers }}
from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
{{/ offers }}
from llama_index.llms.openai_like import OpenAILike

ATTEMPTS = 3
TIMEOUT_SECONDS = 120

# A conversation is sent whole: whether it is too long is for the endpoint to say.
CONTEXT_WINDOW = 10_000_000

# What a model's endpoint can fail with.
ENDPOINT_ERRORS = (openai.OpenAIError,)
{{# offers }}

# Under this name a tool gets arguments that are not a JSON object, so that it can say so.
NOT_JSON = "not JSON"
{{/ offers }}


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


class ChatModel(OpenAILike):
    """LlamaIndex' client, kept to what was asked for."""

    temperature: float | None = None

    def _get_model_kwargs(self, **options: Any) -> dict[str, Any]:
        """The request without what was left open."""
        return {name: value for name, value in super()._get_model_kwargs(**options).items() if value is not None}
{{# offers }}

    def get_tool_calls_from_response(self, response: ChatResponse, **options: Any) -> list[ToolSelection]:
        """The calls of tools. Where LlamaIndex would guess at arguments that are not JSON, the tool gets them as
        they were written."""
        calls = super().get_tool_calls_from_response(response, **options)
        blocks = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        for call, block in zip(calls, blocks):
            if isinstance(block.tool_kwargs, str):
                call.tool_kwargs = arguments(block.tool_kwargs)
        return calls


def arguments(written: str) -> dict[str, Any]:
    """A tool's arguments as a model wrote them, or an object that says that they are none."""
    try:
        values = json.loads(written or "{}")
    except ValueError:
        values = None
    return values if isinstance(values, dict) else {NOT_JSON: written}
{{/ offers }}


def setting(variable: str, meaning: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigurationError(f"{variable} is not set: set it to {meaning}")
    return value


def chat_model(model: Model) -> ChatModel:
    """The model as LlamaIndex knows it."""
    return ChatModel(
        api_base=setting(model.base_url_variable, "the endpoint's address, such as http://127.0.0.1:11434/v1"),
        model=model.name or setting("MODEL_NAME", "the model's name at its endpoint"),
        # Endpoints on one's own machine often want no key, but the client insists on one.
        api_key=os.environ.get(model.key_variable, "").strip() or "none",
        temperature=model.temperature,
        context_window=CONTEXT_WINDOW,
        is_chat_model=True,
        is_function_calling_model=True,
        max_retries=ATTEMPTS - 1,
        timeout=TIMEOUT_SECONDS,
    )
