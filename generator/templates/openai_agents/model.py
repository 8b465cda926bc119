"""The models that the agents ask, and where they answer.

Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import agents
import openai

ATTEMPTS = 3
TIMEOUT_SECONDS = 120

# What a model's endpoint can fail with.
ENDPOINT_ERRORS = (openai.OpenAIError,)

# The SDK would send traces to OpenAI, whatever endpoint answers.
agents.set_tracing_disabled(True)


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


def setting(variable: str, meaning: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigurationError(f"{variable} is not set: set it to {meaning}")
    return value


def chat_model(model: Model) -> agents.Model:
    """The model as the Agents SDK knows it; OPENAI_API says which of the two APIs its endpoint speaks."""
    client = openai.AsyncOpenAI(
        base_url=setting(model.base_url_variable, "the endpoint's address, such as http://127.0.0.1:11434/v1"),
        # Endpoints on one's own machine often want no key, but the client insists on one.
        api_key=os.environ.get(model.key_variable, "").strip() or "none",
        max_retries=ATTEMPTS - 1,
        timeout=TIMEOUT_SECONDS,
    )
    name = model.name or setting("MODEL_NAME", "the model's name at its endpoint")
    match os.environ.get("OPENAI_API", "").strip():
        case "" | "chat_completions":
            return agents.OpenAIChatCompletionsModel(name, client)
        case "responses":
            return agents.OpenAIResponsesModel(name, client)
        case other:
            raise ConfigurationError(f"OPENAI_API is {other}: set it to chat_completions or responses")
