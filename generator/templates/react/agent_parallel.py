{{ docstring }}

from __future__ import annotations

from collections.abc import {{# tools }}Generator, {{/ tools }}Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import MODELS, {{# tools }}ModelError, {{/ tools }}ask
{{# tools }}
from .tools import TOOLS, call_tool
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
    results: dict[str, str] = {}
    happened: SimpleQueue[Event | Exception] = SimpleQueue()

    def in_thread(task: Task) -> None:
        try:
            for event in perform(task, messages{{ window }}, results):
                happened.put(event)
        except Exception as error:
            happened.put(error)

    waiting, finished = list(TASKS), set()
    with ThreadPoolExecutor(len(TASKS)) as threads:
        while len(finished) < len(TASKS):
            for task in [task for task in waiting if before(task) <= finished]:
                waiting.remove(task)
                threads.submit(in_thread, task)
            event = happened.get()
            if isinstance(event, Exception):
                raise event
            if isinstance(event, StepFinished):
                finished.add(event.name)
            yield event
    yield Answered(joined(results))


def perform(task: Task, messages: list[dict], results: dict[str, str]) -> Iterator[Event]:
    """Does one task and puts what comes of it with the other results."""
    yield StepStarted(task.name)
    known = {other.name: results[other.name] for other in TASKS if other.name in before(task)}
    conversation = [*messages, {"role": "user", "content": brief(task, known)}]
    results[task.name] = {{# tools }}yield from {{/ tools }}work(AGENTS[task.agent], conversation)
    yield StepFinished(task.name)


{{ before }}


{{ brief }}


{{ work }}
