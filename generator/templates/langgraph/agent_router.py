{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from langchain_core.messages import {{# tools }}AIMessage, {{/ tools }}HumanMessage, SystemMessage, ToolMessage
from langgraph.config import get_stream_writer
{{# tools }}
from langgraph.errors import GraphRecursionError
{{/ tools }}
from langgraph.graph import {{# tools }}END, {{/ tools }}START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
{{# tools }}
from langgraph.prebuilt import ToolNode
{{/ tools }}
from langgraph.types import Command

from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_model
{{# tools }}
from .tools import TOOLS, explain
{{/ tools }}


{{ agents }}

ROUTER = {{ first }}

# What the router chooses from, by the names under which the model is offered it.
CHOICES = {f"transfer_to_{name}": name for name in AGENTS if name != ROUTER}


class State(MessagesState):
    """The conversation, and beside it what the router and its model said to one another."""

    choosing: Annotated[list, operator.add]
    attempts: Annotated[int, operator.add]


def build_graph() -> CompiledStateGraph:
    """The router, and a node for each agent that it may choose."""
    graph = StateGraph(State)
    graph.add_node("choose", choose, destinations=("choose", *CHOICES))
    graph.add_edge(START, "choose")
    for choice, name in CHOICES.items():
        graph.add_node(choice, agent_node(name))
    return graph.compile()


def choose(state: State) -> Command:
    """Goes on with the agent that the model chooses; asks again if it chooses none."""
    router = AGENTS[ROUTER]
    if state["attempts"] == router.max_steps:
        raise ModelError(f"the model came to no answer within {router.max_steps} steps")
    model = chat_model(MODELS[router.model]).bind_tools([definition(choice) for choice in CHOICES])
    reply = model.invoke([SystemMessage(router.instructions), *state["messages"], *state["choosing"]])
    for call in reply.tool_calls:
        if call["name"] in CHOICES:
            return Command(goto=call["name"])
    error = f"Error: expected a call of one of: {', '.join(CHOICES)}"
    calls = [*reply.tool_calls, *reply.invalid_tool_calls]
    answers = [ToolMessage(error, tool_call_id=call["id"]) for call in calls] or [HumanMessage(error)]
    return Command(goto="choose", update={"choosing": [reply, *answers], "attempts": 1})


def definition(choice: str) -> dict:
    """A choice as the chat completions API lists it."""
    description = f"Let this agent answer: {AGENTS[CHOICES[choice]].role}"
    parameters = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": choice, "description": description, "parameters": parameters}}


def agent_node(name: str) -> Callable[[State], dict]:
    """The node of an agent that answers; what happens meanwhile goes to the stream."""

    def answer(state: State) -> dict:
        write = get_stream_writer()
        write(StepStarted(name))
        text = work(AGENTS[name], state["messages"]{{# tools }}, write{{/ tools }})
        write(StepFinished(name))
        write(Answered(text))
        return {}

    return answer


{{ work }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Lets the agent that fits best answer the last of `messages`.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """
    start = {"messages": messages{{ window }}, "choosing": [], "attempts": 0}
    # The choices that are tried, one too many, and the answer.
    config = {"recursion_limit": AGENTS[ROUTER].max_steps + 2}
    try:
        yield from build_graph().stream(start, config, stream_mode="custom")
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
