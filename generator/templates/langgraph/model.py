"""The models that the agent asks, and where they answer (OpenAI chat completions).

Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import openai
from langchain_openai import ChatOpenAI

ATTEMPTS = 3
TIMEOUT_SECONDS = 120

# What a model's endpoint can fail with.
ENDPOINT_ERRORS = (openai.OpenAIError,)


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


def chat_model(model: Model) -> ChatOpenAI:
    """The model as LangChain knows it."""
    return ChatOpenAI(
        base_url=setting(model.base_url_variable, "the endpoint's address, such as http://127.0.0.1:11434/v1"),
        model=model.name or setting("MODEL_NAME", "the model's name at its endpoint"),
        # Endpoints on one's own machine often want no key, but the client insists on one.
        api_key=os.environ.get(model.key_variable, "").strip() or "none",
        temperature=model.temperature,
        max_retries=ATTEMPTS - 1,
        timeout=TIMEOUT_SECONDS,
        use_responses_api=False,
    )
