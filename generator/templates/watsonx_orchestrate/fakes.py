"""What the tests of the tools stand on. Importing this module makes the package importable."""

from __future__ import annotations

import sys
{{# http }}
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
{{/ http }}
from pathlib import Path
{{# http }}
from urllib.parse import urlsplit
{{/ http }}

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
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
