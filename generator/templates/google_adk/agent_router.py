{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.adk.agents import LlmAgent
from google.adk.tools import BaseTool, ToolContext
from google.genai.types import FunctionCallingConfig, FunctionCallingConfigMode, GenerateContentConfig, ToolConfig

from .events import Answered, Event, StepFinished, StepStarted
from .model import MODELS, ChatModel
from .streaming import Write, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}
from .working import happenings, {{# tools }}tell, {{/ tools }}text_of


{{ agents }}

ROUTER = {{ first }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Lets the agent that fits best answer the last of `messages`.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def answer(write: Write) -> None:
        router = build_router()
        conversation, chosen, text = list(messages{{ window }}), None, ""
        while not chosen:
            async for happening in happenings(router, conversation):
                if chosen:
{{# tools }}
                    tell(happening, write)
{{/ tools }}
                    text = text_of(happening) or text
                elif happening.actions.transfer_to_agent:
                    chosen = happening.actions.transfer_to_agent
                    write(StepStarted(chosen))
                elif said := text_of(happening):
                    # It should have chosen instead of answering.
                    error = "Error: expected a call of transfer_to_agent"
                    conversation += [{"role": "assistant", "content": said}, {"role": "user", "content": error}]
        write(StepFinished(chosen))
        write(Answered(text))

    return stream(answer)


def build_router() -> LlmAgent:
    """The router over the agents that it may transfer to; none of these transfers any further."""
    router = AGENTS[ROUTER]
    must_choose = ToolConfig(function_calling_config=FunctionCallingConfig(mode=FunctionCallingConfigMode.ANY))
    return LlmAgent(
        name=ROUTER,
        model=ChatModel(MODELS[router.model], router.max_steps),
        static_instruction=router.instructions,
        generate_content_config=GenerateContentConfig(tool_config=must_choose),
        before_tool_callback=refuse_nobody,
        sub_agents=[
            LlmAgent(
                name=name,
                description=agent.role,
                model=ChatModel(MODELS[agent.model], agent.max_steps),
                static_instruction=agent.instructions,
{{# tools }}
                tools=[TOOLS[tool] for tool in agent.tools],
{{/ tools }}
                disallow_transfer_to_parent=True,
                disallow_transfer_to_peers=True,
            )
            for name, agent in AGENTS.items()
            if name != ROUTER
        ],
    )


def refuse_nobody(tool: BaseTool, args: dict, tool_context: ToolContext) -> dict | None:
    """The error for the choice of an agent that there is not, which the framework would fail with."""
    names = [name for name in AGENTS if name != ROUTER]
    if tool.name == "transfer_to_agent" and args.get("agent_name") not in names:
        return {"error": f"expected agent_name to be one of: {', '.join(names)}"}
    return None
