"""A server of the Model Context Protocol at an address, which answers every call of a tool with its name and arguments."""

from __future__ import annotations

import json
import os
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch


class FakeMcpEndpoint:
    """Serves inside of `with`, where each of some environment variables has the value `a secret`.

    `secrets` are the headers that had it when a tool was called. A session has to be begun before it is used, and is
    ended by its client; messages come as JSON and as a stream in turn.
    """

    def __init__(self, *variables: str) -> None:
        self.secrets: set[str] = set()
        self.sessions: set[str] = set()
        self.talks_nonsense = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if fake.talks_nonsense:
                    self.answer(200, "text/html", "<p>hello")
                elif message["method"] == "initialize":
                    session = uuid.uuid4().hex
                    fake.sessions.add(session)
                    version = message["params"]["protocolVersion"]
                    about = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "fake", "version": "1"}}
                    self.answer(200, "application/json", reply(message, about), session)
                elif self.headers["Mcp-Session-Id"] not in fake.sessions:
                    self.answer(404, "text/plain", "there is no such session")
                elif message["method"] == "tools/call":
                    fake.secrets.update(name.lower() for name, value in self.headers.items() if value == "a secret")
                    called = json.dumps([message["params"]["name"], message["params"]["arguments"]])
                    result = {"content": [{"type": "text", "text": f"called {called}"}]}
                    noise = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
                    stream = f": hello\r\n\r\ndata: {noise}\r\n\r\nevent: message\r\ndata: {reply(message, result)}\r\n\r\n"
                    self.answer(200, "text/event-stream", stream)
                else:
                    self.answer(202, "text/plain", "")

            def do_DELETE(self) -> None:
                fake.sessions.discard(self.headers["Mcp-Session-Id"])
                self.answer(200, "text/plain", "")

            def answer(self, status: int, kind: str, text: str, session: str = "") -> None:
                content = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                if session:
                    self.send_header("Mcp-Session-Id", session)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/mcp"
        self.environment = patch.dict(os.environ, dict.fromkeys(variables, "a secret"))

    def __enter__(self) -> FakeMcpEndpoint:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.environment.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.environment.stop()
        self.server.shutdown()
        self.server.server_close()


def reply(message: dict, result: dict) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
