{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from .events import Answered, Event, ToolAnswered, ToolCalled
from .model import MODELS, ModelError, ask
from .tools import TOOLS, call_tool

INSTRUCTIONS = {{ instructions }}

MAX_STEPS = {{ max_steps }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`.

    Asks the model, runs the tools that it calls, and asks again, until it answers.
    """
    history = [{"role": "system", "content": INSTRUCTIONS}, *messages{{ window }}]
    offered = [tool.definition() for tool in TOOLS.values()]
    for _ in range(MAX_STEPS):
        reply = ask(MODELS[{{ model }}], history, offered)
        history.append(reply)
        if not reply.get("tool_calls"):
            yield Answered(reply.get("content") or "")
            return
        for call in reply["tool_calls"]:
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            yield ToolCalled(call["id"], name, arguments)
            content = call_tool(name, arguments)
            yield ToolAnswered(call["id"], content)
            history.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    raise ModelError(f"the model came to no answer within {MAX_STEPS} steps")
