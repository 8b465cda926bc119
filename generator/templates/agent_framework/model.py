"""The models that the agents ask, and where they answer (OpenAI chat completions).

Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import openai
from agent_framework import FunctionInvocationConfiguration
from agent_framework.exceptions import ChatClientException
from agent_framework.openai import OpenAIChatCompletionClient

ATTEMPTS = 3
TIMEOUT_SECONDS = 120

# What a model's endpoint can fail with.
ENDPOINT_ERRORS = (ChatClientException, openai.OpenAIError)


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


def chat_client(model: Model, max_steps: int) -> OpenAIChatCompletionClient:
    """The model as the Agent Framework knows it, with the loop that runs the tools that it calls."""
    endpoint = openai.AsyncOpenAI(
        base_url=setting(model.base_url_variable, "the endpoint's address, such as http://127.0.0.1:11434/v1"),
        # Endpoints on one's own machine often want no key, but the client insists on one.
        api_key=os.environ.get(model.key_variable, "").strip() or "none",
        max_retries=ATTEMPTS - 1,
        timeout=TIMEOUT_SECONDS,
    )
    return OpenAIChatCompletionClient(
        model=model.name or setting("MODEL_NAME", "the model's name at its endpoint"),
        async_client=endpoint,
        # The framework would answer without tools after the last step; `StepLimit` ends the run there.
        function_invocation_configuration=FunctionInvocationConfiguration(
            max_iterations=max_steps + 1, max_consecutive_errors_per_request=max_steps + 1
        ),
    )
