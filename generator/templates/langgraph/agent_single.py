{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator

from langchain_core.messages import SystemMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph

from .events import Answered, Event
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_model

INSTRUCTIONS = {{ instructions }}


def build_graph() -> CompiledStateGraph:
    """One node that answers."""
    model = chat_model(MODELS[{{ model }}])

    def answer(state: MessagesState) -> dict:
        return {"messages": [model.invoke([SystemMessage(INSTRUCTIONS), *state["messages"]])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    return graph.compile()


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    try:
        state = build_graph().invoke({"messages": messages{{ window }}})
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(state["messages"][-1].text)
