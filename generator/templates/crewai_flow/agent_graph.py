{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crewai.flow.flow import Flow, listen, router, start

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel, ModelError
from .streaming import Write, stream
from .working import {{# tools }}tool, {{/ tools }}work


{{ crew }}


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
        steps = 0

        async def do(name: str) -> None:
            nonlocal steps
            if steps == MAX_STEPS:
                raise ModelError(f"the graph came to no end within {MAX_STEPS} steps")
            steps += 1
            task = next(task for task in TASKS if task.name == name)
            result = await perform(task, messages{{ window }}, results, write)
            # The last results in the order in which they came.
            results.pop(name, None)
            results[name] = result

        def way_on(name: str) -> str:
            found = (edge.target for edge in EDGES if edge.source == name and edge.holds(results[name]))
            return f"to_{next(found, 'end')}"

        class Walk(Flow):
            """A step for each task, and after it the way on."""

            @start()
            def begin(self) -> None:
                pass

            @router(begin)
            def enter(self) -> str:
                return f"to_{START}"

{{ steps }}

        await Walk(suppress_flow_events=True, max_method_calls=10 * MAX_STEPS).kickoff_async()
        write(Answered(list(results.values())[-1]))

    return stream(answer)


{{ perform }}


{{ brief }}
