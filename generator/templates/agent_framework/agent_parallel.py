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


TASKS = [
{{ tasks }}
]


def run(messages: list[dict]) -> Iterator[Event]:
    """Does the tasks for the last of `messages`, side by side where none waits for another.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        result = await build_workflow(emit).run(Progress(messages{{ window }}))
        results = {name: text for output in result.get_outputs() for name, text in output.results.items()}
        emit(Answered(joined(results)))

    return stream(work)


def build_workflow(emit: Emit) -> Workflow:
    """Every task after those that it waits for."""
    start = Start(id="the start")
    nodes = {task.name: Work(task, emit) for task in TASKS}
    builder = WorkflowBuilder(start_executor=start, max_iterations=len(nodes) + 2)
    for task in TASKS:
        waited_for = [nodes[name] for name in task.after]
        if len(waited_for) > 1:
            builder.add_fan_in_edges(waited_for, nodes[task.name])
        else:
            builder.add_edge(waited_for[0] if waited_for else start, nodes[task.name])
    return builder.build()


{{ work }}

    @handler
    async def join(self, progresses: list[Progress], context: WorkflowContext[Progress, Progress]) -> None:
        known = {name: result for progress in progresses for name, result in progress.results.items()}
        results = {task.name: known[task.name] for task in TASKS if task.name in known}
        await self.perform(Progress(progresses[0].messages, results), context)


class Start(Executor):
    """Hands the conversation to all tasks that wait for nothing."""

    @handler
    async def begin(self, progress: Progress, context: WorkflowContext[Progress]) -> None:
        await context.send_message(progress)


{{ before }}


{{ brief }}


{{ build }}
