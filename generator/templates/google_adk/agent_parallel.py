{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.adk.agents import LlmAgent
from google.adk.workflow import START, FunctionNode, JoinNode, Workflow

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import go_through, work


{{ agents }}


{{ task }}


TASKS = [
{{ tasks }}
]


def run(messages: list[dict]) -> Iterator[Event]:
    """Does the tasks for the last of `messages`, side by side where none waits for another.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        results: dict[str, str] = {}
        await go_through(build_workflow(messages{{ window }}, results, write))
        write(Answered(joined(results)))

    return stream(answer)


def build_workflow(messages: list[dict], results: dict[str, str], write: Write) -> Workflow:
    """A node for each task, and before those that wait for several others a node that joins them."""

    def node_of(task: Task) -> FunctionNode:
        async def do() -> str:
            known = {other.name: results[other.name] for other in TASKS if other.name in before(task)}
            results[task.name] = await perform(task, messages, known, write)
            return results[task.name]

        return FunctionNode(func=do, name=f"do_{task.name}")

    nodes = {task.name: node_of(task) for task in TASKS}
    edges = []
    for task in TASKS:
        waits_for = tuple(nodes[name] for name in task.after)
        if len(waits_for) > 1:
            edges.append((waits_for, JoinNode(name=f"before_{task.name}"), nodes[task.name]))
        else:
            edges.append((*(waits_for or (START,)), nodes[task.name]))
    return Workflow(name="tasks", edges=edges)


{{ perform }}


{{ before }}


{{ brief }}
