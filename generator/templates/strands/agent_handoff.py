{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import strands
from strands.agent import AgentResult
from strands.agent.conversation_manager import NullConversationManager
from strands.multiagent import GraphBuilder
from strands.multiagent.base import Status
from strands.multiagent.graph import Graph, GraphState
{{# tools }}
from strands.types.content import Message
{{/ tools }}
from strands.types.tools import AgentTool, ToolContext

from .blocking import iterate
from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import ENDPOINT_ERRORS, MODELS, {{# tools }}NOT_JSON, {{/ tools }}ModelError, chat_model, strands_message, text_of
{{# tools }}
from .tools import TOOLS
{{/ tools }}


{{ agents }}

# The agent that people talk to, and how often the conversation may be passed on from there.
FIRST = {{ first }}
MAX_TRANSFERS = 10

# What the model is told that passed it on.
PASSED_ON = "The conversation goes on with this agent."


class Member(strands.Agent):
    """A node of the graph: an agent that goes on with the conversation where the one before left it."""

    def __init__(self, name: str) -> None:
        self.max_steps = AGENTS[name].max_steps
        super().__init__(
            name=name,
            model=chat_model(MODELS[AGENTS[name].model]),
            system_prompt=AGENTS[name].instructions,
            tools=[
{{# tools }}
                *(tool for tool in TOOLS if tool.tool_name in AGENTS[name].tools),
{{/ tools }}
                *(transfer_to(other) for other in AGENTS[name].handoffs),
            ],
            conversation_manager=NullConversationManager(),  # the conversation is kept whole
            retry_strategy=None,  # the model's client tries again by itself
            callback_handler=None,  # nothing is printed on the way
        )

    async def stream_async(
        self, prompt: Any = None, *, invocation_state: dict[str, Any], **options: Any
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Answers, or calls one of the functions of `transfer_to`."""
        self.messages.clear()
        conversation = invocation_state["conversation"]
        async with aclosing(super().stream_async(conversation, limits={"turns": self.max_steps})) as updates:
            async for update in updates:
                if "result" in update and update["result"].stop_reason == "limit_turns":
                    raise ModelError(f"the model came to no answer within {self.max_steps} steps")
                yield update
        invocation_state["conversation"] = list(self.messages)


def transfer_to(name: str) -> AgentTool:
    """What an agent calls to pass the conversation on; it has its turn no further."""

    @strands.tool(
        name=f"transfer_to_{name}",
        description=f"Pass the conversation on to {name}: {AGENTS[name].role}",
        inputSchema={"json": {"type": "object", "properties": {}}},
        context=True,
    )
    def transfer(tool_context: ToolContext) -> str:
        tool_context.agent.cancel(after_current_tools=True)
        return PASSED_ON

    return transfer


def transferred(result: AgentResult) -> str | None:
    """The agent that the conversation was passed on to, if it was."""
    calls = [block["toolUse"]["name"] for block in result.message["content"] if "toolUse" in block]
    names = [call.removeprefix("transfer_to_") for call in calls if call.startswith("transfer_to_")]
    return next((name for name in names if name in AGENTS), None)


def build_graph() -> Graph:
    """One node per agent, and an edge to each that it may pass the conversation on to.

    Strands has swarms for this. A swarm lets every agent pass on to every other and retells the conversation;
    here the edges are those that were asked for, and the conversation goes on as it is.
    """
    builder = GraphBuilder()
    for name in AGENTS:
        builder.add_node(Member(name), name)
    for name, agent in AGENTS.items():
        for other in agent.handoffs:
            builder.add_edge(name, other, condition=passes(name, other))
    return builder.set_entry_point(FIRST).set_max_node_executions(1 + MAX_TRANSFERS).build()


def passes(name: str, other: str) -> Callable[[GraphState], bool]:
    """Whether one agent passed on to the other."""
    return lambda state: transferred(state.results[name].result) == other


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    return iterate(answer(messages{{ window }}))


async def answer(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until an agent has answered."""
    state = {"conversation": [strands_message(message["role"], message["content"]) for message in messages]}
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
                    case {"type": "multiagent_result", "result": result} if result.status != Status.COMPLETED:
                        raise ModelError(f"the conversation was passed on more than {MAX_TRANSFERS} times")
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(text_of(state["conversation"][-1]))
{{# tools }}


def events_of(message: Message) -> Iterator[Event]:
    """What a message of the conversation says about tools; passing on is told as steps."""
    for block in message["content"]:
        if "toolUse" in block and not block["toolUse"]["name"].startswith("transfer_to_"):
            call = block["toolUse"]
            yield ToolCalled(call["toolUseId"], call["name"], call["input"].get(NOT_JSON) or json.dumps(call["input"]))
        elif "toolResult" in block and block["toolResult"]["content"] != [{"text": PASSED_ON}]:
            answer = block["toolResult"]
            yield ToolAnswered(answer["toolUseId"], "".join(part.get("text", "") for part in answer["content"]))
{{/ tools }}
