{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from llama_index.core.llms import ChatMessage

from .events import Answered, Event
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_model

INSTRUCTIONS = {{ instructions }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    conversation = [ChatMessage(**message) for message in messages{{ window }}]
    try:
        response = chat_model(MODELS[{{ model }}]).chat([ChatMessage(INSTRUCTIONS, role="system"), *conversation])
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(response.message.content or "")
