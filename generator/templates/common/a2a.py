"""The agent for other agents, in the language of A2A 1.0 (JSON-RPC binding).

The card says what the agent is. `SendMessage` is answered with a message when the run has ended: there are no tasks
to come back to, and a message is a conversation of its own.
"""

from __future__ import annotations

import json
import os
import traceback
import uuid

from .agent import run
from .events import Answered
from .model import ConfigurationError, ModelError

CARD = {{ card }}

# Codes of JSON-RPC 2.0, and of A2A below -32000.
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
TASK_NOT_FOUND, UNSUPPORTED_OPERATION = -32001, -32004

TASK_METHODS = ("GetTask", "CancelTask", "SubscribeToTask")


class Refused(ValueError):
    """A request that cannot be answered: a code, and a message that says what was expected."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def card(host: str) -> dict:
    """The agent's card; `host` is where the asker has reached it, unless AGENT_URL says where that is."""
    base = os.environ.get("AGENT_URL", "").strip().rstrip("/") or f"http://{host}"
    interface = {"url": f"{base}/a2a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
    return {**CARD, "supportedInterfaces": [interface]}


def answer(body: bytes) -> dict:
    """The JSON-RPC response to a request."""
    number = None
    try:
        try:
            request = json.loads(body)
        except ValueError as error:
            raise Refused(PARSE_ERROR, f"expected a JSON document: {error}") from error
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0" or "method" not in request:
            raise Refused(INVALID_REQUEST, "expected a JSON-RPC 2.0 request")
        number = request.get("id")
        return {"jsonrpc": "2.0", "id": number, "result": result(request["method"], request.get("params"))}
    except Refused as refused:
        error = {"code": refused.code, "message": str(refused)}
    except (ConfigurationError, ModelError) as failure:
        error = {"code": INTERNAL_ERROR, "message": str(failure)}
    except Exception:
        traceback.print_exc()
        error = {"code": INTERNAL_ERROR, "message": "the run failed; the server's log says why"}
    return {"jsonrpc": "2.0", "id": number, "error": error}


def result(method: str, params: object) -> dict:
    """What a method returns."""
    if method in TASK_METHODS:
        raise Refused(TASK_NOT_FOUND, "there are no tasks: SendMessage returns the answer")
    if method == "SendStreamingMessage":
        raise Refused(UNSUPPORTED_OPERATION, "expected SendMessage: answers are not streamed here, but at /agui")
    if method != "SendMessage":
        raise Refused(METHOD_NOT_FOUND, "expected the method SendMessage")
    message = params.get("message") if isinstance(params, dict) else None
    parts = message.get("parts") if isinstance(message, dict) else None
    if not isinstance(parts, list):
        raise Refused(INVALID_PARAMS, "expected a message with a list of parts")
    text = "".join(part.get("text") or "" for part in parts if isinstance(part, dict))
    if not text:
        raise Refused(INVALID_PARAMS, "expected a part with text")
    said = [event.text for event in run([{"role": "user", "content": text}]) if isinstance(event, Answered)]
    return {
        "message": {
            "messageId": str(uuid.uuid4()),
            "contextId": message.get("contextId") or str(uuid.uuid4()),
            "role": "ROLE_AGENT",
            "parts": [{"text": "".join(said), "mediaType": "text/plain"}],
        }
    }
