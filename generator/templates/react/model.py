"""The model's endpoint: where it is, and one question to it (OpenAI chat completions).

Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
{{# offers }}
from collections.abc import Sequence
{{/ offers }}
from dataclasses import dataclass
from http.client import HTTPException

ATTEMPTS = 3
TIMEOUT_SECONDS = 120
RETRIED = {408, 429, 500, 502, 503, 504}


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


def ask(model: Model, messages: list[dict]{{# offers }}, tools: Sequence[dict] = (){{/ offers }}) -> dict:
    """The model's next message."""
    base_url = setting(model.base_url_variable, "the endpoint's address, such as http://127.0.0.1:11434/v1")
    body: dict = {
        "model": model.name or setting("MODEL_NAME", "the model's name at its endpoint"),
        "messages": messages,
    }
{{# offers }}
    if tools:
        body["tools"] = tools
{{/ offers }}
    if model.temperature is not None:
        body["temperature"] = model.temperature
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(model.key_variable, "").strip():
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(f"{base_url.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers)
    answer = send(request)
    try:
        return json.loads(answer)["choices"][0]["message"]
    except (ValueError, LookupError, TypeError) as error:
        raise ModelError(f"the model's endpoint answered with something else than a chat completion: {answer[:200]!r}") from error


def send(request: urllib.request.Request) -> bytes:
    """Sends a request, and again if the endpoint is busy or out of reach."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            if error.code not in RETRIED or attempt == ATTEMPTS:
                detail = error.read(500).decode(errors="replace")
                raise ModelError(f"the model's endpoint answered {error.code} {error.reason}: {detail}") from error
        except (OSError, HTTPException) as error:
            if attempt == ATTEMPTS:
                raise ModelError(f"the model's endpoint {request.full_url} cannot be reached: {error}") from error
        time.sleep(attempt)
    raise AssertionError("unreachable")
