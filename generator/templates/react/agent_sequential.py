{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import MODELS, {{# tools }}ModelError, {{/ tools }}ask
{{# tools }}
from .tools import TOOLS, call_tool
{{/ tools }}


@dataclass(frozen=True)
class Agent:
    """Who does a task, and with what."""

    instructions: str
    model: str
{{# tools }}
    tools: tuple[str, ...]
    max_steps: int
{{/ tools }}


@dataclass(frozen=True)
class Task:
    """A piece of work."""

    name: str
    agent: str
    description: str
    expected_output: str = ""


AGENTS = {
{{ agents }}
}

# In the order in which they are done.
TASKS = [
{{ tasks }}
]


def run(messages: list[dict]) -> Iterator[Event]:
    """Does every task in turn for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    results: dict[str, str] = {}
    for task in TASKS:
        yield StepStarted(task.name)
        conversation = [*messages{{ window }}, {"role": "user", "content": brief(task, results)}]
{{# tools }}
        results[task.name] = yield from work(AGENTS[task.agent], conversation)
{{/ tools }}
{{^ tools }}
        results[task.name] = work(AGENTS[task.agent], conversation)
{{/ tools }}
        yield StepFinished(task.name)
    yield Answered(results[TASKS[-1].name])


def brief(task: Task, results: dict[str, str]) -> str:
    """What an agent is told of its task: the work itself and what came of the tasks before."""
    parts = [f"Your task: {task.description}"]
    if task.expected_output:
        parts.append(f"Expected output: {task.expected_output}")
    parts += [f"Result of {name}:\n{result}" for name, result in results.items()]
    return "\n\n".join(parts)


{{# tools }}
def work(agent: Agent, messages: list[dict]) -> Iterator[Event]:
    """Asks the model, runs the tools that it calls, and asks again; returns its answer."""
    history = [{"role": "system", "content": agent.instructions}, *messages]
    offered = [TOOLS[name].definition() for name in agent.tools]
    for _ in range(agent.max_steps):
        reply = ask(MODELS[agent.model], history, offered)
        history.append(reply)
        if not reply.get("tool_calls"):
            return reply.get("content") or ""
        for call in reply["tool_calls"]:
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            yield ToolCalled(call["id"], name, arguments)
            content = call_tool(name, arguments, allowed=agent.tools)
            yield ToolAnswered(call["id"], content)
            history.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    raise ModelError(f"the model came to no answer within {agent.max_steps} steps")
{{/ tools }}
{{^ tools }}
def work(agent: Agent, messages: list[dict]) -> str:
    """The agent's answer."""
    reply = ask(MODELS[agent.model], [{"role": "system", "content": agent.instructions}, *messages])
    return reply.get("content") or ""
{{/ tools }}
