"""A client of the Model Context Protocol over standard input and output, as far as calling a tool needs it."""

from __future__ import annotations

import json
import subprocess
import threading

PROTOCOL_VERSION = "2025-06-18"


def call_mcp(command: list[str], tool: str, arguments: dict, timeout: float) -> str:
    """Starts a server, calls one of its tools, and returns the text that it answers with."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as server:
        watchdog = threading.Timer(timeout, server.kill)
        watchdog.start()
        try:
            client = {"name": {{ client }}, "version": {{ version }}}
            request(server, 1, "initialize", {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": client})
            send(server, {"method": "notifications/initialized"})
            present = {name: value for name, value in arguments.items() if value is not None}
            result = request(server, 2, "tools/call", {"name": tool, "arguments": present})
        except (OSError, EOFError) as error:
            raise RuntimeError(f"{command[0]} ended, or took over {timeout} seconds, before it answered") from error
        finally:
            watchdog.cancel()
            server.kill()
    text = "\n".join(part["text"] for part in result.get("content", []) if part.get("type") == "text")
    if result.get("isError"):
        raise RuntimeError(text or f"{tool} failed without saying why")
    return text


def request(server: subprocess.Popen, number: int, method: str, parameters: dict) -> dict:
    """The result of one JSON-RPC request; what the server says in between is passed over."""
    send(server, {"id": number, "method": method, "params": parameters})
    while line := server.stdout.readline():
        message = json.loads(line)
        if message.get("id") == number and "method" not in message:
            if "error" in message:
                raise RuntimeError(f"{method} failed: {message['error'].get('message')}")
            return message["result"]
    raise EOFError


def send(server: subprocess.Popen, message: dict) -> None:
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    server.stdin.flush()
