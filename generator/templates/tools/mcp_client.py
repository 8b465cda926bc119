"""A client of the Model Context Protocol over {{ over }}, as far as calling a tool needs it."""

from __future__ import annotations

import json
{{# commands }}
import subprocess
import threading
{{/ commands }}
{{# at }}
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPResponse

from .outgoing import OPENER, header_values
{{/ at }}

PROTOCOL_VERSION = "2025-06-18"
CLIENT = {"name": {{ client }}, "version": {{ version }}}
{{# at }}
ANSWER_LIMIT = 16_000_000
{{/ at }}
{{# commands }}


def call_mcp(command: list[str], tool: str, arguments: dict, timeout: float) -> str:
    """Starts a server, calls one of its tools, and returns the text that it answers with."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as server:
        watchdog = threading.Timer(timeout, server.kill)
        watchdog.start()
        try:
            request(server, 1, "initialize", {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": CLIENT})
            send(server, {"method": "notifications/initialized"})
            result = request(server, 2, "tools/call", {"name": tool, "arguments": present(arguments)})
        except (OSError, EOFError) as error:
            raise RuntimeError(f"{command[0]} ended, or took over {timeout} seconds, before it answered") from error
        finally:
            watchdog.cancel()
            server.kill()
    return text_of(result, tool)


def request(server: subprocess.Popen, number: int, method: str, parameters: dict) -> dict:
    """The result of one JSON-RPC request; what the server says in between is passed over."""
    send(server, {"id": number, "method": method, "params": parameters})
    while line := server.stdout.readline():
        message = json.loads(line)
        if message.get("id") == number and "method" not in message:
            return result_of(message, method)
    raise EOFError


def send(server: subprocess.Popen, message: dict) -> None:
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    server.stdin.flush()
{{/ commands }}
{{# at }}


def call_mcp_at(url: str, headers: dict[str, str], tool: str, arguments: dict, timeout: float) -> str:
    """Calls a tool of the server at an address (streamable HTTP), and returns the text that it answers with.

    `headers` names the environment variable that has the value of each header.
    """
    server = Session(url, header_values(headers), timeout)
    try:
        began = server.request(1, "initialize", {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": CLIENT})
        server.headers["Mcp-Protocol-Version"] = str(began.get("protocolVersion", PROTOCOL_VERSION))
        for _ in server.post({"method": "notifications/initialized"}):
            pass
        result = server.request(2, "tools/call", {"name": tool, "arguments": present(arguments)})
        return text_of(result, tool)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RuntimeError(f"{url} does not speak the Model Context Protocol: {error}") from error
    except (OSError, EOFError, HTTPException) as error:
        raise RuntimeError(f"{url} broke off, or took over {timeout} seconds, before it answered: {error}") from error
    finally:
        server.end()


class Session:
    """What is said to the server at an address, and for how long."""

    def __init__(self, url: str, headers: dict[str, str], timeout: float) -> None:
        self.url = url
        self.deadline = time.monotonic() + timeout
        self.headers = {**headers, "Accept": "application/json, text/event-stream", "Content-Type": "application/json"}

    def left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("it is too late")
        return left

    def request(self, number: int, method: str, parameters: dict) -> dict:
        """The result of one JSON-RPC request; what the server says in between is passed over."""
        for message in self.post({"id": number, "method": method, "params": parameters}):
            if message.get("id") == number and "method" not in message:
                return result_of(message, method)
        raise EOFError(f"there is no answer to {method}")

    def post(self, message: dict) -> Iterator[dict]:
        """Sends a message; gives those that come back."""
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            response = OPENER.open(urllib.request.Request(self.url, body, self.headers), timeout=self.left())
        except urllib.error.HTTPError as error:
            where = f" ({error.headers['Location']})" if error.headers["Location"] else ""
            detail = error.read(2_000).decode(errors="replace")
            raise RuntimeError(f"{self.url} answered {error.code} {error.reason}{where}: {detail}") from error
        with response:
            if session := response.headers["Mcp-Session-Id"]:
                self.headers["Mcp-Session-Id"] = session
            if response.headers.get_content_type() == "text/event-stream":
                yield from self.events(response)
            elif text := b"\n".join(self.lines(response)).strip():
                yield json.loads(text)

    def events(self, response: HTTPResponse) -> Iterator[dict]:
        """The messages in a stream of server-sent events."""
        data: list[bytes] = []
        for line in self.lines(response):
            if line.startswith(b"data:"):
                data.append(line.removeprefix(b"data:"))
            elif not line and data:
                yield json.loads(b"\n".join(data))
                data = []

    def lines(self, response: HTTPResponse) -> Iterator[bytes]:
        """The lines of an answer, as they arrive."""
        rest: list[bytes] = []
        length = 0
        while piece := response.read1(65_536):
            self.left()
            length += len(piece)
            if length > ANSWER_LIMIT:
                raise RuntimeError(f"{self.url} answered with more than {ANSWER_LIMIT} bytes")
            *lines, end = piece.split(b"\n")
            for line in lines:
                yield b"".join([*rest, line]).rstrip(b"\r")
                rest = []
            rest.append(end)
        yield b"".join(rest)

    def end(self) -> None:
        """Says that the session is over; whether the server listens is its own affair."""
        if "Mcp-Session-Id" in self.headers:
            with suppress(OSError, HTTPException):
                OPENER.open(urllib.request.Request(self.url, headers=self.headers, method="DELETE"), timeout=1).close()
{{/ at }}


def result_of(message: dict, method: str) -> dict:
    if "error" in message:
        raise RuntimeError(f"{method} failed: {message['error'].get('message')}")
    return message["result"]


def present(arguments: dict) -> dict:
    return {name: value for name, value in arguments.items() if value is not None}


def text_of(result: dict, tool: str) -> str:
    """The text of a tool's answer."""
    text = "\n".join(part["text"] for part in result.get("content", []) if part.get("type") == "text")
    if result.get("isError"):
        raise RuntimeError(text or f"{tool} failed without saying why")
    return text
