{{ docstring }}

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import agent_framework
from agent_framework import AgentContext, AgentMiddleware, Workflow, WorkflowRunResult
from agent_framework.orchestrations import HandoffAgentUserRequest, HandoffBuilder

from .events import Answered, Event, StepFinished, StepStarted
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_client
from .runs import Next, {{# tools }}Recorder, {{/ tools }}StepLimit, conversation
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}

# The framework warns of agents that cannot pass the conversation on; here they answer.
logging.getLogger("agent_framework_orchestrations").setLevel(logging.ERROR)


{{ agents }}

ROUTER = {{ first }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Lets the agent that fits best answer the last of `messages`.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        try:
            emit(Answered(await answer(build_workflow(emit), messages{{ window }})))
        except ENDPOINT_ERRORS as error:
            raise ModelError(f"the model's endpoint failed: {error}") from error

    return stream(work)


async def answer(workflow: Workflow, messages: list[dict]) -> str:
    """What the agent says that is chosen; a router that answers itself is asked to choose."""
    result = await workflow.run(conversation(messages))
    while (last := last_output(result)).executor_id == ROUTER:
        choices = ", ".join(f"handoff_to_{name}" for name in AGENTS if name != ROUTER)
        error = HandoffAgentUserRequest.create_response(f"Error: expected a call of one of: {choices}")
        result = await workflow.run(responses={request.request_id: error for request in result.get_request_info_events()})
    return last.data.text


def last_output(result: WorkflowRunResult) -> agent_framework.WorkflowEvent:
    return [event for event in result if event.type == "output"][-1]


def build_workflow(emit: Emit) -> Workflow:
    """The router, and what it may choose from."""
    router, *others = [build_agent(name, emit) for name in AGENTS]
    return (
        HandoffBuilder(participants=[router, *others]).with_start_agent(router).add_handoff(router, others).build()
    )


class Turn(AgentMiddleware):
    """Tells of the agent that is chosen."""

    def __init__(self, emit: Emit) -> None:
        self.emit = emit

    async def process(self, context: AgentContext, call_next: Next) -> None:
        self.emit(StepStarted(context.agent.name))
        await call_next()
        self.emit(StepFinished(context.agent.name))


def build_agent(name: str, emit: Emit) -> agent_framework.Agent:
    """An agent with its model{{# tools }} and its tools{{/ tools }}."""
    agent = AGENTS[name]
    model = MODELS[agent.model]
    return agent_framework.Agent(
        client=chat_client(model, agent.max_steps),
        name=name,
        description=f"Let this agent answer: {agent.role}",
        instructions=agent.instructions,
        default_options={"temperature": model.temperature, "tool_choice": "required" if name == ROUTER else "auto"},
{{# tools }}
        tools=[TOOLS[tool] for tool in agent.tools],
{{/ tools }}
        middleware=[
            *([] if name == ROUTER else [Turn(emit)]),
            StepLimit(agent.max_steps),
{{# tools }}
            Recorder(emit),
{{/ tools }}
        ],
        # What handoffs ask for.
        require_per_service_call_history_persistence=True,
    )
