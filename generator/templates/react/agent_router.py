{{ docstring }}

from __future__ import annotations

from collections.abc import {{# tools }}Generator, {{/ tools }}Iterator
from dataclasses import dataclass

from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import MODELS, ModelError, ask
{{# tools }}
from .tools import TOOLS, call_tool
{{/ tools }}


{{ agents }}

ROUTER = {{ first }}

# What the router chooses from, by the names under which the model is offered it.
CHOICES = {f"transfer_to_{name}": name for name in AGENTS if name != ROUTER}


def run(messages: list[dict]) -> Iterator[Event]:
    """Lets the agent that fits best answer the last of `messages`.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    name = choose(messages{{ window }})
    yield StepStarted(name)
    answer = {{# tools }}yield from {{/ tools }}work(AGENTS[name], messages{{ window }})
    yield StepFinished(name)
    yield Answered(answer)


def choose(messages: list[dict]) -> str:
    """The name of the agent that should answer; the model is asked until it chooses one."""
    router = AGENTS[ROUTER]
    history = [{"role": "system", "content": router.instructions}, *messages]
    offered = [definition(choice, name) for choice, name in CHOICES.items()]
    for _ in range(router.max_steps):
        reply = ask(MODELS[router.model], history, offered)
        calls = reply.get("tool_calls") or []
        for call in calls:
            if call["function"]["name"] in CHOICES:
                return CHOICES[call["function"]["name"]]
        history.append(reply)
        error = f"Error: expected a call of one of: {', '.join(CHOICES)}"
        history += [{"role": "tool", "tool_call_id": call["id"], "content": error} for call in calls]
        if not calls:
            history.append({"role": "user", "content": error})
    raise ModelError(f"the model came to no answer within {router.max_steps} steps")


def definition(choice: str, name: str) -> dict:
    """A choice as the chat completions API lists it."""
    description = f"Let this agent answer: {AGENTS[name].role}"
    parameters = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": choice, "description": description, "parameters": parameters}}


{{ work }}
