{{ docstring }}

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from .events import Answered, Event, StepFinished, StepStarted, ToolAnswered, ToolCalled
from .model import MODELS, ModelError, ask
{{# tools }}
from .tools import TOOLS, call_tool
{{/ tools }}


{{ agents }}

SUPERVISOR = {{ first }}

# Whom the supervisor may ask, by the names under which the model is offered them.
SPECIALISTS = {f"ask_{name}": name for name in AGENTS if name != SUPERVISOR}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages` with what specialists have to say.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    supervisor = AGENTS[SUPERVISOR]
    history = [{"role": "system", "content": supervisor.instructions}, *messages{{ window }}]
    offered = [definition(choice, name) for choice, name in SPECIALISTS.items()]
{{# tools }}
    offered += [TOOLS[name].definition() for name in supervisor.tools]
{{/ tools }}
    for _ in range(supervisor.max_steps):
        reply = ask(MODELS[supervisor.model], history, offered)
        history.append(reply)
        if not reply.get("tool_calls"):
            yield Answered(reply.get("content") or "")
            return
        for call in reply["tool_calls"]:
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            yield ToolCalled(call["id"], name, arguments)
            if name in SPECIALISTS:
                content = yield from consult(SPECIALISTS[name], arguments)
            else:
{{# tools }}
                content = call_tool(name, arguments, allowed=supervisor.tools)
{{/ tools }}
{{^ tools }}
                content = f"Error: there is no tool {name}; there are: {', '.join(SPECIALISTS)}"
{{/ tools }}
            yield ToolAnswered(call["id"], content)
            history.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    raise ModelError(f"the model came to no answer within {supervisor.max_steps} steps")


def consult(name: str, arguments: str) -> Generator[Event, None, str]:
    """What a specialist answers; a request that cannot be read is for the model to mend."""
    try:
        request = json.loads(arguments)["request"]
    except (ValueError, LookupError, TypeError):
        return 'Error: expected the arguments as JSON: {"request": "what to find out or do"}'
    yield StepStarted(name)
    answer = {{# tools }}yield from {{/ tools }}work(AGENTS[name], [{"role": "user", "content": str(request)}])
    yield StepFinished(name)
    return answer


def definition(choice: str, name: str) -> dict:
    """A specialist as the chat completions API lists it."""
    description = f"Ask this agent, who knows only what the request says: {AGENTS[name].role}"
    request = {"type": "string", "description": "What to find out or do, with all that is needed for it."}
    parameters = {"type": "object", "properties": {"request": request}, "required": ["request"]}
    return {"type": "function", "function": {"name": choice, "description": description, "parameters": parameters}}


{{ work }}
