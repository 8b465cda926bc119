{{ docstring }}

from __future__ import annotations

import json
import os
import sys
import threading
{{# calls }}
import uuid
{{/ calls }}
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch
{{# http }}
from urllib.parse import urlsplit
{{/ http }}

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))


def text(content: str) -> dict:
    """A message that answers."""
    return {"role": "assistant", "content": content}
{{# calls }}


def tool_call(name: str, arguments: str) -> dict:
    """A message that calls a function; `arguments` is JSON as a model would write it."""
    call = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def numbered(message: dict) -> dict:
    """The message with a new id for each of its calls, as those of a model have."""
    if not message.get("tool_calls"):
        return message
    return {**message, "tool_calls": [{"id": f"call_{uuid.uuid4().hex[:8]}", **call} for call in message["tool_calls"]]}
{{/ calls }}
{{# tools }}


def call_once(name: str, arguments: str, *after: str) -> Callable[[dict], dict]:
    """Calls a tool the first time that it is offered, then says what comes after, the last again and again."""
    answers = [tool_call(name, arguments), *(text(answer) for answer in after)]

    def reply(request: dict) -> dict:
        offered = [tool["function"]["name"] for tool in request.get("tools") or []]
        if len(answers) == len(after) + 1 and name not in offered:
            return answers[-1]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return reply
{{/ tools }}


def content(message: dict) -> str:
    """The text of a message, which may be in parts."""
    parts = message.get("content") or ""
    return parts if isinstance(parts, str) else "".join(part.get("text") or "" for part in parts)


def said(request: dict) -> str:
    """All that the model is told."""
    return "\n".join(content(message) for message in request["messages"])
{{# parallel }}


def asked(request: dict) -> str:
    """What the model is asked last."""
    return [content(message) for message in request["messages"] if message["role"] == "user"][-1]
{{/ parallel }}
{{# outputs }}


def outputs(request: dict) -> list[str]:
    """What the functions returned that the model called."""
{{# packed }}
    texts = [content(message) for message in request["messages"] if message["role"] == "tool"]
    return [unpacked(text) for text in texts]


def unpacked(text: str) -> str:
    """A text without the JSON that the framework puts around it."""
    try:
        return str(json.loads(text)[{{ key }}])
    except (ValueError, LookupError, TypeError):
        return text
{{/ packed }}
{{^ packed }}
    return [content(message) for message in request["messages"] if message["role"] == "tool"]
{{/ packed }}
{{/ outputs }}


class FakeModel:
    """Serves the chat completions API: each message once, the last one again and again.

    A message may be a function of the request. `requests` has the bodies that were sent. Inside of `with`, the
    agent's environment names this endpoint.
    """

    def __init__(self, *messages: dict | Callable[[dict], dict]) -> None:
        self.messages = list(messages)
        self.requests: list[dict] = []
        self.lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with fake.lock:
                    message = fake.messages[min(len(fake.requests), len(fake.messages) - 1)]
                    fake.requests.append(body)
                if callable(message):
                    message = message(body)
{{# calls }}
                message = numbered(message)
{{/ calls }}
{{# streams }}
                if body.get("stream"):
                    kind, answer = "text/event-stream", stream(body, message)
                else:
                    kind, answer = "application/json", json.dumps(completion(body, message))
{{/ streams }}
{{^ streams }}
                kind, answer = "application/json", json.dumps(completion(body, message))
{{/ streams }}
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer.encode())))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        address = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.environment = patch.dict(os.environ, {{ environment }})

    def __enter__(self) -> FakeModel:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.environment.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.environment.stop()
        self.server.shutdown()
        self.server.server_close()


def completion(body: dict, message: dict) -> dict:
    """A message as the API answers with it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason(message)}],
        "usage": USAGE,
    }


def reason(message: dict) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
{{# streams }}


def stream(body: dict, message: dict) -> str:
    """A message as the API streams it: in one piece, then why it ends, then what it cost."""
    calls = [{"index": index, **call} for index, call in enumerate(message.get("tool_calls") or [])]
    delta = {**message, "tool_calls": calls} if calls else message
    choices = [
        [{"index": 0, "delta": delta, "finish_reason": None}],
        [{"index": 0, "delta": {}, "finish_reason": reason(message)}],
        [],
    ]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
    chunks = [{**head, "choices": choice} for choice in choices]
    chunks[-1]["usage"] = USAGE
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
{{/ streams }}
{{# http }}


class FakeEndpoint:
    """Answers every HTTP request with `answer` and keeps what was asked: method, path with query, body.

    `secrets` are the headers of the last request whose value was `a secret`.
    """

    def __init__(self, answer: str, status: int = 200) -> None:
        self.requests: list[tuple[str, str, str]] = []
        self.secrets: set[str] = set()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                fake.requests.append((self.command, self.path, body.decode()))
                fake.secrets = {name.lower() for name, value in self.headers.items() if value == "a secret"}
                content = answer.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def stand_in_for(self, url: str) -> str:
        """The same address at this endpoint."""
        return urlsplit(url)._replace(scheme="http", netloc=f"127.0.0.1:{self.server.server_port}").geturl()

    def __enter__(self) -> FakeEndpoint:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
{{/ http }}
{{# mcp }}


FAKE_MCP_SERVER = [sys.executable, str(Path(__file__).with_name("fake_mcp_server.py"))]
{{/ mcp }}
