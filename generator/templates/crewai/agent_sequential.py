{{ docstring }}

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import crewai
from crewai.tasks.task_output import TaskOutput
from pydantic import PrivateAttr

from .events import Answered, Event, StepFinished, StepStarted
from .model import ENDPOINT_ERRORS, MODELS, ChatModel, ModelError
from .streaming import Write, stream
from .working import agent_of{{# tools }}, tool{{/ tools }}


{{ crew }}


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
        tasks = [Step(task, messages{{ window }}, write) for task in TASKS]
        agents = [task.agent for task in tasks]
        crew = crewai.Crew(agents=agents, tasks=tasks, process=crewai.Process.sequential, cache=False, tracing=False)
        try:
            output = await asyncio.to_thread(crew.kickoff)
        except ENDPOINT_ERRORS as error:
            raise ModelError(f"the model's endpoint failed: {error}") from error
        write(Answered(output.raw))

    return stream(answer)


class Step(crewai.Task):
    """A task of the crew, which tells the agent what came of those before, and tells when it begins and ends."""

    _write: Write = PrivateAttr()

    def __init__(self, task: Task, messages: list[dict], write: Write) -> None:
        agent = AGENTS[task.agent]
        model = ChatModel(MODELS[agent.model], {{# tools }}agent.max_steps{{/ tools }}{{^ tools }}1{{/ tools }})
        super().__init__(
            name=task.name,
            description=f"{task.description}\n\n{conversation(messages)}",
            expected_output=task.expected_output or "The result, and nothing else.",
            agent=agent_of(model, agent.role, agent.instructions{{# tools }}, [tool(name, write) for name in agent.tools]{{/ tools }}),
        )
        self._write = write

    def execute_sync(self, *arguments: object, **options: object) -> TaskOutput:
        self._write(StepStarted(self.name))
        output = super().execute_sync(*arguments, **options)
        self._write(StepFinished(self.name))
        return output


def conversation(messages: list[dict]) -> str:
    """The messages as a text, which is what a crew's tasks are made of."""
    lines = [f"{message['role']}: {message['content']}" for message in messages]
    return "The conversation that this is for:\n" + "\n".join(lines)
