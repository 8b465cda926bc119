"""The agent over HTTP, for people in the language of AG-UI 1.0 and for agents in that of A2A 1.0.

`POST /agui` takes a RunAgentInput and answers with server-sent events; `POST /a2a` and the card at
`/.well-known/agent-card.json` are in `a2a.py`; `GET /healthz` says that the server is up. Listens on HOST and PORT,
0.0.0.0:8080 unless the environment says otherwise.
"""

from __future__ import annotations

import json
import os
import traceback
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import a2a
from .agent import run
from .events import {{ event_names }}
from .model import ConfigurationError, ModelError

BODY_LIMIT = 1024 * 1024
NOT_FOUND = "expected GET /healthz, GET /.well-known/agent-card.json, POST /agui or POST /a2a"


class BadRequest(ValueError):
    """The request is not a RunAgentInput; the message says what was expected."""


def conversation(body: bytes) -> tuple[str, str, list[dict]]:
    """The thread's id, the run's id and the messages of a RunAgentInput."""
    try:
        given = json.loads(body)
    except ValueError as error:
        raise BadRequest(f"expected a JSON document: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("messages"), list):
        raise BadRequest("expected a RunAgentInput: an object with a list of messages")
    messages = []
    for message in given["messages"]:
        if not isinstance(message, dict):
            raise BadRequest("expected every message to be an object")
        role, content = message.get("role"), message.get("content")
        if isinstance(content, list):
            content = "".join(part.get("text") or "" for part in content if isinstance(part, dict))
        if role in ("user", "assistant") and isinstance(content, str) and content:
            messages.append({"role": role, "content": content})
    if not messages or messages[-1]["role"] != "user":
        raise BadRequest("expected the last message to be the user's")
    return str(given.get("threadId") or uuid.uuid4()), str(given.get("runId") or uuid.uuid4()), messages


def agui_events(thread_id: str, run_id: str, messages: list[dict]) -> Iterator[dict]:
    """The events of one run."""
    ids = {"threadId": thread_id, "runId": run_id}
    yield {"type": "RUN_STARTED", **ids, "protocolVersion": "1.0"}
    try:
        for event in run(messages):
            match event:
{{# steps }}
                case StepStarted(name):
                    yield {"type": "STEP_STARTED", "stepName": name}
                case StepFinished(name):
                    yield {"type": "STEP_FINISHED", "stepName": name}
{{/ steps }}
{{# calls }}
                case ToolCalled(call_id, name, arguments):
                    yield {"type": "TOOL_CALL_START", "toolCallId": call_id, "toolCallName": name}
                    yield {"type": "TOOL_CALL_ARGS", "toolCallId": call_id, "delta": arguments}
                    yield {"type": "TOOL_CALL_END", "toolCallId": call_id}
                case ToolAnswered(call_id, content):
                    message_id = str(uuid.uuid4())
                    result = {"messageId": message_id, "toolCallId": call_id, "role": "tool", "content": content}
                    yield {"type": "TOOL_CALL_RESULT", **result}
{{/ calls }}
                case Answered(text):
                    message_id = str(uuid.uuid4())
                    yield {"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"}
                    if text:
                        yield {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": text}
                    yield {"type": "TEXT_MESSAGE_END", "messageId": message_id}
    except ConfigurationError as error:
        yield {"type": "RUN_ERROR", "message": str(error), "code": "not_configured"}
    except ModelError as error:
        yield {"type": "RUN_ERROR", "message": str(error), "code": "model_failed"}
    except Exception:
        traceback.print_exc()
        yield {"type": "RUN_ERROR", "message": "the run failed; the server's log says why", "code": "internal"}
    else:
        yield {"type": "RUN_FINISHED", **ids, "outcome": {"type": "success"}}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = 60

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.answer(200, {"status": "ok"})
        elif self.path == "/.well-known/agent-card.json":
            self.answer(200, a2a.card(self.headers.get("Host", "")))
        else:
            self.answer(404, {"error": NOT_FOUND})

    def do_POST(self) -> None:
        if self.path not in ("/agui", "/a2a"):
            self.answer(404, {"error": NOT_FOUND})
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.answer(411, {"error": "expected a Content-Length"})
        elif int(length) > BODY_LIMIT:
            self.answer(413, {"error": f"expected at most {BODY_LIMIT} bytes"})
        elif self.path == "/agui":
            self.agui(self.rfile.read(int(length)))
        else:
            self.answer(200, a2a.answer(self.rfile.read(int(length))))

    def agui(self, body: bytes) -> None:
        try:
            thread_id, run_id, messages = conversation(body)
        except BadRequest as error:
            self.answer(400, {"error": str(error)})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        try:
            for event in agui_events(thread_id, run_id, messages):
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
        except ConnectionError:
            pass  # whoever asked has gone

    def answer(self, status: int, document: dict) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def serve() -> None:
    """Serves until it is stopped."""
    address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8080"))
    with ThreadingHTTPServer(address, Handler) as server:
        print("listening on http://{}:{}".format(*server.server_address[:2]), flush=True)
        server.serve_forever()
