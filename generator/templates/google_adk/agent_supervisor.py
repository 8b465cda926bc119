{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.adk.agents import LlmAgent

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import happenings, tell, text_of


{{ agents }}

SUPERVISOR = {{ first }}

# Whom the supervisor may ask, by the names under which the model is offered them.
SPECIALISTS = {f"ask_{name}": name for name in AGENTS if name != SUPERVISOR}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages` with what specialists have to say.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        text = ""
        async for happening in happenings(build_supervisor(), messages{{ window }}):
            for response in happening.get_function_responses():
                if response.name in SPECIALISTS:
                    write(StepFinished(SPECIALISTS[response.name]))
            tell(happening, write)
            for call in happening.get_function_calls():
                if call.name in SPECIALISTS:
                    write(StepStarted(SPECIALISTS[call.name]))
            if happening.author == SUPERVISOR:
                text = text_of(happening) or text
        write(Answered(text))

    return stream(answer)


def build_supervisor() -> LlmAgent:
    """The supervisor over its specialists: each is a tool to it, and knows only what the request says."""
    supervisor = AGENTS[SUPERVISOR]
    return LlmAgent(
        name=SUPERVISOR,
        model=ChatModel(MODELS[supervisor.model], supervisor.max_steps),
        static_instruction=supervisor.instructions,
{{# tools }}
        tools=[TOOLS[tool] for tool in supervisor.tools],
{{/ tools }}
        sub_agents=[specialist(tool_name, AGENTS[name]) for tool_name, name in SPECIALISTS.items()],
    )


def specialist(tool_name: str, agent: Agent) -> LlmAgent:
    """A specialist as ADK knows it: one that returns to the supervisor after its answer."""
    model = ChatModel(MODELS[agent.model], agent.max_steps)
    return LlmAgent(
        name=tool_name,
        mode="single_turn",
        description=f"Ask this agent, who knows only what the request says: {agent.role}",
        model=model,
        before_agent_callback=model.begin,
        static_instruction=agent.instructions,
{{# tools }}
        tools=[TOOLS[tool] for tool in agent.tools],
{{/ tools }}
        disallow_transfer_to_parent=True,
        disallow_transfer_to_peers=True,
    )
