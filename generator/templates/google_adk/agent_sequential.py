{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.adk.agents import LlmAgent
from google.adk.workflow import START, FunctionNode, Workflow

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import go_through, work


{{ agents }}


{{ task }}


# In the order in which they are done.
TASKS = [
{{ tasks }}
]


def run(messages: list[dict]) -> Iterator[Event]:
    """Does every task in turn for the last of `messages`; the last result is the answer.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        results: dict[str, str] = {}

        def node_of(task: Task) -> FunctionNode:
            async def do() -> str:
                results[task.name] = await perform(task, messages{{ window }}, results, write)
                return results[task.name]

            return FunctionNode(func=do, name=f"do_{task.name}")

        nodes = [node_of(task) for task in TASKS]
        await go_through(Workflow(name="tasks", edges=[(START, *nodes)]))
        write(Answered(results[TASKS[-1].name]))

    return stream(answer)


{{ perform }}


{{ brief }}
