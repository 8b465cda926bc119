{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import agent_framework
from agent_framework import Executor, Workflow, WorkflowBuilder, WorkflowContext, handler

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, chat_client
from .runs import {{# tools }}Recorder, {{/ tools }}StepLimit, answer
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}


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

    async def work(emit: Emit) -> None:
        result = await build_workflow(emit).run(Progress(messages{{ window }}))
        emit(Answered(result.get_outputs()[-1].last))

    return stream(work)


def build_workflow(emit: Emit) -> Workflow:
    """The tasks as a chain."""
    nodes = [Work(task, emit) for task in TASKS]
    # Each is a step of the workflow; the framework would stop after a hundred.
    builder = WorkflowBuilder(start_executor=nodes[0], output_from=[nodes[-1]], max_iterations=len(nodes) + 1)
    if len(nodes) > 1:
        builder.add_chain(nodes)
    return builder.build()


{{ work }}


{{ brief }}


{{ build }}
