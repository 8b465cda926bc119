{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.adk.agents import LlmAgent
from google.adk.events import Event as Happening
from google.adk.workflow import START as ENTRY
from google.adk.workflow import FunctionNode, Workflow

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel, ModelError
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


{{ edges_class }}


# After a task the first of its edges that holds is followed; "end" ends the run, and so does having none.
EDGES = [
{{ edges }}
]

START = {{ start }}

MAX_STEPS = {{ graph_steps }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Goes through the graph for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        results: dict[str, str] = {}
        await go_through(build_workflow(messages{{ window }}, results, write))
        write(Answered(list(results.values())[-1]))

    return stream(answer)


def build_workflow(messages: list[dict], results: dict[str, str], write: Write) -> Workflow:
    """A node for each task that can be reached; the way on is the route that the node returns."""
    steps = 0

    def node_of(task: Task) -> FunctionNode:
        async def do() -> Happening:
            nonlocal steps
            if steps == MAX_STEPS:
                raise ModelError(f"the graph came to no end within {MAX_STEPS} steps")
            steps += 1
            result = await perform(task, messages, results, write)
            # The last results in the order in which they came.
            results.pop(task.name, None)
            results[task.name] = result
            return Happening(output=result, route=after(task.name, result))

        return FunctionNode(func=do, name=f"do_{task.name}")

    nodes = {task.name: node_of(task) for task in TASKS}
    edges = [(ENTRY, nodes[START])]
    reached = [START]
    for name in reached:
        targets = list(dict.fromkeys(edge.target for edge in EDGES if edge.source == name and edge.target != "end"))
        if targets:
            edges.append((nodes[name], {target: nodes[target] for target in targets}))
        reached += [target for target in targets if target not in reached]
    return Workflow(name="graph", edges=edges)


def after(name: str, result: str) -> str:
    """What follows a task with this result: the name of a task, or "end"."""
    return next((edge.target for edge in EDGES if edge.source == name and edge.holds(result)), "end")


{{ perform }}


{{ brief }}
