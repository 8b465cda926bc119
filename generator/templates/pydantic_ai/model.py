"""The models that the agent asks, and where they answer (OpenAI chat completions).

Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from pydantic_ai import ModelSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

TIMEOUT_SECONDS = 120


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


def chat_model(model: Model) -> OpenAIChatModel:
    """The model as Pydantic AI knows it."""
    base_url = setting(model.base_url_variable, "the endpoint's address, such as http://127.0.0.1:11434/v1")
    key = os.environ.get(model.key_variable, "").strip()
    settings = ModelSettings(timeout=TIMEOUT_SECONDS)
    if model.temperature is not None:
        settings["temperature"] = model.temperature
    return OpenAIChatModel(
        model.name or setting("MODEL_NAME", "the model's name at its endpoint"),
        provider=OpenAICompatibleProvider("endpoint", base_url=base_url, api_key=key or None),
        settings=settings,
    )
