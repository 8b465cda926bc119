{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

{{# tools }}
from llama_index.core.agent.workflow import ToolCall, ToolCallResult
{{/ tools }}
from llama_index.core.llms import ChatMessage
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step
from llama_index.core.workflow import Event as Update

from .blocking import iterate
from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
{{# tools }}
from .limited_agent import LimitedAgent
from .model import ENDPOINT_ERRORS, MODELS, NOT_JSON, ModelError, chat_model
from .tools import TOOLS
{{/ tools }}
{{^ tools }}
from .model import ENDPOINT_ERRORS, MODELS, ChatModel, ModelError, chat_model
{{/ tools }}


{{ agents }}


{{ task }}


{{# graph }}
{{ edges_class }}


{{/ graph }}
{{# sequential }}
# In the order in which they are done.
{{/ sequential }}
TASKS = [
{{ tasks }}
]
{{# graph }}

# After a task the first of its edges that holds is followed; "end" ends the run, and so does having none.
EDGES = [
{{ edges }}
]

FIRST = {{ start }}

MAX_STEPS = {{ graph_steps }}
{{/ graph }}


class TaskReady(Update):
    """A task can begin."""

    name: str


class TaskDone(Update):
    """A task is done."""

    name: str
    result: str


class Work(Workflow):
{{# sequential }}
    """The tasks, one after another."""
{{/ sequential }}
{{# parallel }}
    """The tasks, each as soon as those that it depends on are done."""
{{/ parallel }}
{{# graph }}
    """The tasks, in the order in which the edges lead."""
{{/ graph }}

    def __init__(self, messages: list[dict]) -> None:
        super().__init__(timeout=None)
        self.conversation = [ChatMessage(**message) for message in messages]
        self.agents = {name: build_agent(name) for name in AGENTS}
        self.results: dict[str, str] = {}
{{# graph }}
        self.steps = 0
{{/ graph }}

{{# sequential }}
    @step
    async def begin(self, start: StartEvent) -> TaskReady:
        return TaskReady(name=TASKS[0].name)
{{/ sequential }}
{{# parallel }}
    @step
    async def begin(self, context: Context, start: StartEvent) -> TaskReady | None:
        for task in TASKS:
            if not task.after:
                context.send_event(TaskReady(name=task.name))
{{/ parallel }}
{{# graph }}
    @step
    async def begin(self, start: StartEvent) -> TaskReady:
        return TaskReady(name=FIRST)
{{/ graph }}

{{# parallel }}
    @step(num_workers=len(TASKS))
{{/ parallel }}
{{^ parallel }}
    @step
{{/ parallel }}
    async def work(self, context: Context, ready: TaskReady) -> TaskDone:
        context.write_event_to_stream(ready)
        task = next(task for task in TASKS if task.name == ready.name)
{{# parallel }}
        known = {other.name: self.results[other.name] for other in TASKS if other.name in before(task)}
        conversation = [*self.conversation, ChatMessage(brief(task, known))]
{{/ parallel }}
{{^ parallel }}
        conversation = [*self.conversation, ChatMessage(brief(task, self.results))]
{{/ parallel }}
{{# tools }}
        handler = self.agents[task.agent].run(chat_history=conversation)
        async for update in handler.stream_events():
            if isinstance(update, (ToolCall, ToolCallResult)):
                context.write_event_to_stream(update)
        result = (await handler).response.content or ""
{{/ tools }}
{{^ tools }}
        instructions = ChatMessage(AGENTS[task.agent].instructions, role="system")
        response = await self.agents[task.agent].achat([instructions, *conversation])
        result = response.message.content or ""
{{/ tools }}
        done = TaskDone(name=task.name, result=result)
        context.write_event_to_stream(done)
        return done

    @step(num_workers=1)
{{# sequential }}
    async def go_on(self, done: TaskDone) -> TaskReady | StopEvent:
        self.results[done.name] = done.result
        if len(self.results) == len(TASKS):
            return StopEvent(result=done.result)
        return TaskReady(name=TASKS[len(self.results)].name)
{{/ sequential }}
{{# parallel }}
    async def go_on(self, context: Context, done: TaskDone) -> TaskReady | StopEvent | None:
        self.results[done.name] = done.result
        for task in TASKS:
            if done.name in task.after and self.results.keys() >= set(task.after):
                context.send_event(TaskReady(name=task.name))
        return StopEvent(result=joined(self.results)) if len(self.results) == len(TASKS) else None
{{/ parallel }}
{{# graph }}
    async def go_on(self, done: TaskDone) -> TaskReady | StopEvent:
        self.results.pop(done.name, None)  # what was done last comes last
        self.results[done.name] = done.result
        self.steps += 1
        target = next((edge.target for edge in EDGES if edge.source == done.name and edge.holds(done.result)), "end")
        if target == "end":
            return StopEvent(result=done.result)
        if self.steps == MAX_STEPS:
            raise ModelError(f"the graph came to no end within {MAX_STEPS} steps")
        return TaskReady(name=target)
{{/ graph }}


{{# tools }}
def build_agent(name: str) -> LimitedAgent:
    """An agent with its tools."""
    return LimitedAgent(
        name=name,
        llm=chat_model(MODELS[AGENTS[name].model]),
        system_prompt=AGENTS[name].instructions,
        tools=[tool for tool in TOOLS if tool.metadata.name in AGENTS[name].tools],
        max_steps=AGENTS[name].max_steps,
        streaming=False,
    )
{{/ tools }}
{{^ tools }}
def build_agent(name: str) -> ChatModel:
    """An agent without tools is its model."""
    return chat_model(MODELS[AGENTS[name].model])
{{/ tools }}


{{ brief }}
{{# parallel }}


{{ before }}
{{/ parallel }}


def run(messages: list[dict]) -> Iterator[Event]:
{{# sequential }}
    """Does every task in turn for the last of `messages`; the last result is the answer.
{{/ sequential }}
{{# parallel }}
    """Does the tasks for the last of `messages`, side by side where none waits for another.
{{/ parallel }}
{{# graph }}
    """Follows the graph for the last of `messages`; the result of the last task is the answer.
{{/ graph }}

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    return iterate(answer(messages{{ window }}))


async def answer(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until the answer is there."""
    handler = Work(messages).run()
    try:
        async for update in handler.stream_events():
            for event in events_of(update):
                yield event
        result = await handler
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(result)


def events_of(update: Update) -> Iterator[Event]:
    """What an update of the workflow says about tasks{{# tools }} and tools{{/ tools }}."""
    if isinstance(update, TaskReady):
        yield StepStarted(update.name)
    elif isinstance(update, TaskDone):
        yield StepFinished(update.name)
{{# tools }}
    elif isinstance(update, ToolCall):
        given = update.tool_kwargs
        yield ToolCalled(update.tool_id, update.tool_name, given.get(NOT_JSON) or json.dumps(given))
    elif isinstance(update, ToolCallResult):
        yield ToolAnswered(update.tool_id, update.tool_output.content)
{{/ tools }}
