{{ docstring }}

from __future__ import annotations

import json
import os
import sys
import threading
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
{{# tools }}


def tool_call(name: str, arguments: str) -> dict:
    """A message that calls a tool; `arguments` is JSON as a model would write it."""
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}
{{/ tools }}


class FakeModel:
    """Serves the chat completions API: each message once, the last one again and again.

    `requests` has the bodies that were sent. Inside of `with`, the agent's environment names this endpoint.
    """

    def __init__(self, *messages: dict) -> None:
        self.messages = list(messages)
        self.requests: list[dict] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                message = fake.messages[min(len(fake.requests), len(fake.messages) - 1)]
                fake.requests.append(body)
                reason = "tool_calls" if message.get("tool_calls") else "stop"
                answer = {
                    "id": "chatcmpl-1",
                    "object": "chat.completion",
                    "created": 0,
                    "model": body["model"],
                    "choices": [{"index": 0, "message": message, "finish_reason": reason}],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                }
                content = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

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
{{# http }}


class FakeEndpoint:
    """Answers every HTTP request with `answer` and keeps what was asked: method, path with query, body."""

    def __init__(self, answer: str, status: int = 200) -> None:
        self.requests: list[tuple[str, str, str]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                fake.requests.append((self.command, self.path, body.decode()))
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
