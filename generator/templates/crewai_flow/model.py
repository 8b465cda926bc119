"""The models that the agent asks, and where they answer (OpenAI chat completions).

Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

import openai
from crewai.events.event_listener import EventListener
from crewai.llms.providers.openai.completion import OpenAICompletion
from crewai.utilities import agent_utils
from pydantic import PrivateAttr
from rich.console import Console

ATTEMPTS = 3
TIMEOUT_SECONDS = 120

# What a model's endpoint can fail with; CrewAI makes the latter of what it cannot reach or find.
ENDPOINT_ERRORS = (openai.OpenAIError, ConnectionError, ValueError)

# What happens is told as events, and what goes wrong is raised; the framework would print both.
EventListener().formatter.console = Console(quiet=True)
logging.getLogger("crewai").setLevel(logging.CRITICAL)

# How often a model may be asked is the agent's own limit; the framework would end a run at the fifth equal call.
agent_utils.MAX_REPEATED_TOOL_CALLS = 1_000_000


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


class ChatModel(OpenAICompletion):
    """A model that its agent may ask so many times in one turn and no more."""

    _steps: int = PrivateAttr()
    _left: int = PrivateAttr()

    def __init__(self, model: Model, max_steps: int) -> None:
        super().__init__(
            base_url=setting(model.base_url_variable, "the endpoint's address, such as http://127.0.0.1:11434/v1"),
            model=model.name or setting("MODEL_NAME", "the model's name at its endpoint"),
            provider="openai",
            # Endpoints on one's own machine often want no key, but the client insists on one.
            api_key=os.environ.get(model.key_variable, "").strip() or "none",
            temperature=model.temperature,
            timeout=TIMEOUT_SECONDS,
            max_retries=ATTEMPTS - 1,
        )
        self._steps = self._left = max_steps

    def call(self, *arguments: Any, **options: Any) -> Any:
        self.count()
        return super().call(*arguments, **options)

    async def acall(self, *arguments: Any, **options: Any) -> Any:
        self.count()
        return await super().acall(*arguments, **options)

    def count(self) -> None:
        if not self._left:
            raise ModelError(f"the model came to no answer within {self._steps} steps")
        self._left -= 1
