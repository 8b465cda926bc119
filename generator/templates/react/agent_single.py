{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from .events import Answered, Event
from .model import MODELS, ask

INSTRUCTIONS = {{ instructions }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    reply = ask(MODELS[{{ model }}], [{"role": "system", "content": INSTRUCTIONS}, *messages{{ window }}])
    yield Answered(reply.get("content") or "")
