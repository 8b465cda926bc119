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

# The agent that people talk to: it chooses who answers.
ROUTER = {{ first }}


class Member(strands.Agent):
    """A node of the graph: an agent that gets the conversation as it is, not what the graph would make up."""

    def __init__(self, name: str, tools: list[AgentTool]) -> None:
        self.max_steps = AGENTS[name].max_steps
        super().__init__(
            name=name,
            model=chat_model(MODELS[AGENTS[name].model]),
            system_prompt=AGENTS[name].instructions,
            tools=tools,
            conversation_manager=NullConversationManager(),  # the conversation is kept whole
            retry_strategy=None,  # the model's client tries again by itself
            callback_handler=None,  # nothing is printed on the way
        )

    async def stream_async(
        self, prompt: Any = None, *, invocation_state: dict[str, Any], **options: Any
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Answers."""
        conversation = invocation_state["conversation"]
        async with aclosing(super().stream_async(conversation, limits={"turns": self.max_steps})) as updates:
            async for update in updates:
                if "result" in update and update["result"].stop_reason == "limit_turns":
                    raise ModelError(f"the model came to no answer within {self.max_steps} steps")
                yield update


class Router(Member):
    """The first node: an agent that chooses one of the others by calling one of the functions of `transfer_to`."""

    async def stream_async(
        self, prompt: Any = None, *, invocation_state: dict[str, Any], **options: Any
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Chooses; what is no choice is asked for again."""
        question, steps = invocation_state["conversation"], 0
        while steps < self.max_steps:
            limits = {"turns": self.max_steps - steps}
            async with aclosing(strands.Agent.stream_async(self, question, limits=limits)) as updates:
                async for update in updates:
                    if update.get("message", {}).get("role") == "assistant":
                        steps += 1
                    elif "result" in update and chosen(update["result"]):
                        yield update
                        return
            question = "Choose who answers: call one of the functions."
        raise ModelError(f"the model came to no answer within {self.max_steps} steps")


def transfer_to(name: str) -> AgentTool:
    """What the router calls to choose an agent; that ends its turn."""

    @strands.tool(
        name=f"transfer_to_{name}",
        description=f"Let {name} answer: {AGENTS[name].role}",
        inputSchema={"json": {"type": "object", "properties": {}}},
        context=True,
    )
    def transfer(tool_context: ToolContext) -> str:
        tool_context.agent.cancel(after_current_tools=True)
        return f"{name} answers."

    return transfer


def chosen(result: AgentResult) -> str | None:
    """The agent that was chosen, if one was."""
    calls = [block["toolUse"]["name"] for block in result.message["content"] if "toolUse" in block]
    names = [call.removeprefix("transfer_to_") for call in calls if call.startswith("transfer_to_")]
    return next((name for name in names if name in AGENTS and name != ROUTER), None)


def build_graph() -> Graph:
    """The router, and an edge from it to each of the others."""
    builder = GraphBuilder()
    others = [name for name in AGENTS if name != ROUTER]
    builder.add_node(Router(ROUTER, [transfer_to(name) for name in others]), ROUTER)
    for name in others:
{{# tools }}
        builder.add_node(Member(name, [tool for tool in TOOLS if tool.tool_name in AGENTS[name].tools]), name)
{{/ tools }}
{{^ tools }}
        builder.add_node(Member(name, []), name)
{{/ tools }}
        builder.add_edge(ROUTER, name, condition=is_chosen(name))
    return builder.set_max_node_executions(2).build()


def is_chosen(name: str) -> Callable[[GraphState], bool]:
    """Whether the router chose an agent."""
    return lambda state: chosen(state.results[ROUTER].result) == name


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    return iterate(answer(messages{{ window }}))


async def answer(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until the agent that was chosen has answered."""
    state = {"conversation": [strands_message(message["role"], message["content"]) for message in messages]}
    try:
        async with aclosing(build_graph().stream_async(messages[-1]["content"], state)) as updates:
            async for update in updates:
                match update:
                    case {"node_id": node} if node == ROUTER:
                        continue
                    case {"type": "multiagent_node_start", "node_id": node}:
                        yield StepStarted(node)
{{# tools }}
                    case {"type": "multiagent_node_stream", "event": {"message": message}}:
                        for event in events_of(message):
                            yield event
{{/ tools }}
                    case {"type": "multiagent_node_stream", "event": {"result": result}}:
                        text = text_of(result.message)
                    case {"type": "multiagent_node_stop", "node_id": node}:
                        yield StepFinished(node)
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(text)
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
