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

FIRST = {{ first }}

# How often a conversation may be passed on.
MAX_TRANSFERS = 10


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`; an agent passes the conversation on to one that fits better.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    history = list(messages{{ window }})
    name = FIRST
    for _ in range(MAX_TRANSFERS + 1):
        yield StepStarted(name)
        target = {{# tools }}yield from {{/ tools }}talk(AGENTS[name], history)
        yield StepFinished(name)
        if target is None:
            yield Answered(history[-1].get("content") or "")
            return
        name = target
    raise ModelError(f"the conversation was passed on more than {MAX_TRANSFERS} times")


def talk(agent: Agent, history: list[dict]) -> {{# tools }}Generator[Event, None, str | None]{{/ tools }}{{^ tools }}str | None{{/ tools }}:
    """Goes on with the conversation; returns the agent that it is passed on to, or None after an answer."""
    targets = {f"transfer_to_{name}": name for name in agent.handoffs}
    offered = [definition(choice, name) for choice, name in targets.items()]
{{# tools }}
    offered += [TOOLS[name].definition() for name in agent.tools]
{{/ tools }}
    for _ in range(agent.max_steps):
        reply = ask(MODELS[agent.model], [{"role": "system", "content": agent.instructions}, *history], offered)
        history.append(reply)
        if not reply.get("tool_calls"):
            return None
        target = None
        for call in reply["tool_calls"]:
{{# tools }}
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            if name in targets:
                target = target or targets[name]
                content = f"The conversation goes on with {target}"
            else:
                yield ToolCalled(call["id"], name, arguments)
                content = call_tool(name, arguments, allowed=agent.tools)
                yield ToolAnswered(call["id"], content)
{{/ tools }}
{{^ tools }}
            name = call["function"]["name"]
            if name in targets:
                target = target or targets[name]
                content = f"The conversation goes on with {target}"
            else:
                content = f"Error: there is no tool {name}; there are: {', '.join(targets)}"
{{/ tools }}
            history.append({"role": "tool", "tool_call_id": call["id"], "content": content})
        if target:
            return target
    raise ModelError(f"the model came to no answer within {agent.max_steps} steps")


def definition(choice: str, name: str) -> dict:
    """An agent that the conversation may be passed on to, as the chat completions API lists it."""
    description = f"Pass the conversation on to this agent: {AGENTS[name].role}"
    parameters = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": choice, "description": description, "parameters": parameters}}
