"""The models that the agent asks, and where they answer (OpenAI chat completions).

Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import openai
from google.adk.models.lite_llm import LiteLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import PrivateAttr

ATTEMPTS = 3
TIMEOUT_SECONDS = 120

# What a model's endpoint can fail with: LiteLLM's errors are openai's.
ENDPOINT_ERRORS = (openai.OpenAIError,)

# What goes wrong is raised and told once; the framework would log it several times on the way.
logging.getLogger("google_adk").setLevel(logging.CRITICAL)
logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)


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


class ChatModel(LiteLlm):
    """A model that its agent may ask so many times in one turn and no more."""

    _steps: int = PrivateAttr()
    _left: int = PrivateAttr()

    def __init__(self, model: Model, max_steps: int) -> None:
        # Takes seconds to import: not before it is needed. It would print advice beside the answer.
        import litellm

        litellm.suppress_debug_info = True
        base_url = setting(model.base_url_variable, "the endpoint's address, such as http://127.0.0.1:11434/v1")
        name = model.name or setting("MODEL_NAME", "the model's name at its endpoint")
        options = {} if model.temperature is None else {"temperature": model.temperature}
        super().__init__(
            f"openai/{name}",
            api_base=base_url,
            # Endpoints on one's own machine often want no key, but the client insists on one.
            api_key=os.environ.get(model.key_variable, "").strip() or "none",
            timeout=TIMEOUT_SECONDS,
            max_retries=ATTEMPTS - 1,
            **options,
        )
        self._steps = self._left = max_steps

    def begin(self, callback_context: object = None) -> None:
        """Counts anew: the agent gets its turn."""
        self._left = self._steps

    async def generate_content_async(self, llm_request: LlmRequest, stream: bool = False) -> AsyncIterator[LlmResponse]:
        """The model's answer."""
        if not self._left:
            raise ModelError(f"the model came to no answer within {self._steps} steps")
        self._left -= 1
        malformed = None
        async for response in super().generate_content_async(llm_request, stream):
            if response.error_code == types.FinishReason.MALFORMED_FUNCTION_CALL:
                malformed = response.error_message
            else:
                yield response
        if malformed:
            # The framework would end the run; the model is told instead, so that it can mend its call.
            call = types.FunctionCall(id="malformed", name="malformed", args={})
            error = types.FunctionResponse(id=call.id, name=call.name, response={"error": malformed})
            llm_request.contents += [
                types.Content(role="model", parts=[types.Part(function_call=call)]),
                types.Content(role="user", parts=[types.Part(function_response=error)]),
            ]
            async for response in self.generate_content_async(llm_request, stream):
                yield response
