{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Never

import agent_framework
from agent_framework import Case, Default, Executor, Workflow, WorkflowBuilder, WorkflowContext, handler

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ModelError, chat_client
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

    async def work(emit: Emit) -> None:
        result = await build_workflow(emit).run(Progress(messages{{ window }}))
        emit(Answered(result.get_outputs()[-1].last))

    return stream(work)


def build_workflow(emit: Emit) -> Workflow:
    """A node for each task, with a switch after it."""
    count = Count()
    nodes: dict[str, Executor] = {task.name: Work(task, emit, count) for task in TASKS}
    end = End(id="the end")
    # `Count` stops a walk that comes to no end; the framework's own limit is for what it does not see.
    builder = WorkflowBuilder(start_executor=nodes[START], output_from=[end], max_iterations=MAX_STEPS + 3)
    for task in TASKS:
        cases: list[Case | Default] = []
        for edge in EDGES:
            if edge.source == task.name:
                target = end if edge.target == "end" else nodes[edge.target]
                cases.append(Case(lambda progress, edge=edge: edge.holds(progress.last), target))
        if cases:
            builder.add_switch_case_edge_group(nodes[task.name], [*cases, Default(end)])
        else:
            builder.add_edge(nodes[task.name], end)
    return builder.build()


class Count:
    """Counts the tasks that are done in one run."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self) -> None:
        if self.steps == MAX_STEPS:
            raise ModelError(f"the graph came to no end within {MAX_STEPS} steps")
        self.steps += 1


{{ work }}


class End(Executor):
    """Where the graph ends."""

    @handler
    async def finish(self, progress: Progress, context: WorkflowContext[Never, Progress]) -> None:
        await context.yield_output(progress)


{{ brief }}


{{ build }}
