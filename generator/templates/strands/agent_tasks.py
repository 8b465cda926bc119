{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
from collections.abc import AsyncGenerator, {{^ sequential }}Callable, {{/ sequential }}Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import strands
from strands.agent.conversation_manager import NullConversationManager
from strands.multiagent import GraphBuilder
{{# graph }}
from strands.multiagent.base import Status
{{/ graph }}
from strands.multiagent.graph import Graph{{^ sequential }}, GraphState{{/ sequential }}
{{# tools }}
from strands.types.content import Message
{{/ tools }}

from .blocking import iterate
from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import ENDPOINT_ERRORS, MODELS, {{# tools }}NOT_JSON, {{/ tools }}ModelError, chat_model, strands_message, text_of
{{# tools }}
from .tools import TOOLS
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


class TaskAgent(strands.Agent):
    """A node of the graph: an agent that is told the brief of its task, not what the graph would make up."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.worker = AGENTS[task.agent]
        super().__init__(
            name=task.name,
            model=chat_model(MODELS[self.worker.model]),
            system_prompt=self.worker.instructions,
{{# tools }}
            tools=[tool for tool in TOOLS if tool.tool_name in self.worker.tools],
{{/ tools }}
            conversation_manager=NullConversationManager(),  # the conversation is kept whole
            retry_strategy=None,  # the model's client tries again by itself
            callback_handler=None,  # nothing is printed on the way
        )

    async def stream_async(
        self, prompt: Any = None, *, invocation_state: dict[str, Any], **options: Any
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Does the task; its result is left in `invocation_state`, where the tasks after it find it."""
        results = invocation_state["results"]
{{# parallel }}
        known = {task.name: results[task.name] for task in TASKS if task.name in before(self.task)}
{{/ parallel }}
        self.messages.clear()
{{# parallel }}
        task_message = strands_message("user", brief(self.task, known))
{{/ parallel }}
{{^ parallel }}
        task_message = strands_message("user", brief(self.task, results))
{{/ parallel }}
        conversation = [*invocation_state["conversation"], task_message]
{{# tools }}
        async with aclosing(super().stream_async(conversation, limits={"turns": self.worker.max_steps})) as updates:
{{/ tools }}
{{^ tools }}
        async with aclosing(super().stream_async(conversation)) as updates:
{{/ tools }}
            async for update in updates:
                if "result" in update:
{{# tools }}
                    if update["result"].stop_reason == "limit_turns":
                        raise ModelError(f"the model came to no answer within {self.worker.max_steps} steps")
{{/ tools }}
{{# graph }}
                    results.pop(self.task.name, None)  # what was done last comes last
{{/ graph }}
                    results[self.task.name] = text_of(update["result"].message)
                yield update


{{# sequential }}
def build_graph() -> Graph:
    """One node per task, one after another."""
    builder = GraphBuilder()
    for task in TASKS:
        builder.add_node(TaskAgent(task), task.name)
    for task, following in zip(TASKS, TASKS[1:]):
        builder.add_edge(task.name, following.name)
    return builder.set_max_node_executions(len(TASKS)).build()


{{ brief }}
{{/ sequential }}
{{# parallel }}
def build_graph() -> Graph:
    """One node per task; a node begins when all that it waits for is done."""
    builder = GraphBuilder()
    for task in TASKS:
        builder.add_node(TaskAgent(task), task.name)
    for task in TASKS:
        for name in task.after:
            builder.add_edge(name, task.name, condition=all_done(task.after))
    return builder.set_max_node_executions(len(TASKS)).build()


def all_done(names: tuple[str, ...]) -> Callable[[GraphState], bool]:
    """Strands would begin a node as soon as one of those is done that it waits for; this holds it until all are."""
    return lambda state: set(names) <= {node.node_id for node in state.completed_nodes}


{{ brief }}


{{ before }}
{{/ parallel }}
{{# graph }}
def build_graph() -> Graph:
    """One node per task, and the edges between them."""
    builder = GraphBuilder()
    for task in TASKS:
        builder.add_node(TaskAgent(task), task.name)
    for source, target in dict.fromkeys((edge.source, edge.target) for edge in EDGES if edge.target != "end"):
        builder.add_edge(source, target, condition=leads(source, target))
    return builder.set_entry_point(FIRST).set_max_node_executions(MAX_STEPS).build()


def leads(source: str, target: str) -> Callable[[GraphState], bool]:
    """Whether the first edge of `source` that holds is the one to `target`."""

    def condition(state: GraphState) -> bool:
        result = text_of(state.results[source].result.message)
        return next((edge.target for edge in EDGES if edge.source == source and edge.holds(result)), "end") == target

    return condition


{{ brief }}
{{/ graph }}


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
    return iterate(work(messages{{ window }}))


async def work(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until the answer is there."""
    conversation = [strands_message(message["role"], message["content"]) for message in messages]
    results: dict[str, str] = {}
    state = {"conversation": conversation, "results": results}
    try:
        async with aclosing(build_graph().stream_async(messages[-1]["content"], state)) as updates:
            async for update in updates:
                match update:
                    case {"type": "multiagent_node_start", "node_id": node}:
                        yield StepStarted(node)
{{# tools }}
                    case {"type": "multiagent_node_stream", "event": {"message": message}}:
                        for event in events_of(message):
                            yield event
{{/ tools }}
                    case {"type": "multiagent_node_stop", "node_id": node}:
                        yield StepFinished(node)
{{# graph }}
                    case {"type": "multiagent_result", "result": result} if result.status != Status.COMPLETED:
                        raise ModelError(f"the graph came to no end within {MAX_STEPS} steps")
{{/ graph }}
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
{{# sequential }}
    yield Answered(results[TASKS[-1].name])
{{/ sequential }}
{{# parallel }}
    yield Answered(joined(results))
{{/ parallel }}
{{# graph }}
    yield Answered(list(results.values())[-1])
{{/ graph }}
{{# tools }}


def events_of(message: Message) -> Iterator[Event]:
    """What a message of a conversation says about tools."""
    for block in message["content"]:
        if "toolUse" in block:
            call = block["toolUse"]
            yield ToolCalled(call["toolUseId"], call["name"], call["input"].get(NOT_JSON) or json.dumps(call["input"]))
        elif "toolResult" in block:
            answer = block["toolResult"]
            yield ToolAnswered(answer["toolUseId"], "".join(part.get("text", "") for part in answer["content"]))
{{/ tools }}
