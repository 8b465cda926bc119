"""A run of agents by the Agents SDK{{# calls }}, and what happens in it as events{{/ calls }}."""

from __future__ import annotations

import agents
{{# calls }}
from agents.tool_context import ToolContext
{{/ calls }}

{{# events }}
from .events import {{ event_names }}
{{/ events }}
from .model import ENDPOINT_ERRORS, ModelError
{{# hooks }}
from .stream import Emit
{{/ hooks }}
{{# handoff }}

# How often a conversation may be passed on.
MAX_TRANSFERS = 10
{{/ handoff }}


async def answer(agent: agents.Agent, messages: list[dict], max_steps: int{{# hooks }}, hooks: agents.RunHooks{{/ hooks }}) -> str:
    """What the agent answers to the last of `messages`."""
    return str((await result_of(agent, messages, max_steps{{# hooks }}, hooks{{/ hooks }})).final_output or "")


async def result_of(
    agent: agents.Agent, messages: list[dict], max_steps: int | None{{# hooks }}, hooks: agents.RunHooks{{/ hooks }}
) -> agents.RunResult:
    """Runs the agent, and those that it passes the conversation on to, until one answers."""
    config = agents.RunConfig(tool_not_found_behavior="return_error_to_model")
    try:
        return await agents.Runner.run(agent, messages, max_turns=max_steps{{# hooks }}, hooks=hooks{{/ hooks }}, run_config=config)
    except agents.MaxTurnsExceeded as error:
        raise ModelError(f"the model came to no answer within {max_steps} steps") from error
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    except agents.AgentsException as error:
{{# supervisor }}
        # The SDK puts an error of its own around what a specialist has ended with.
        if isinstance(error.__cause__, ModelError):
            raise error.__cause__ from error
{{/ supervisor }}
        raise ModelError(f"the model's answer is of no use: {error}") from error
{{# calls }}


class Recorder(agents.RunHooks):
    """Tells of the tools that are called."""

    def __init__(self, emit: Emit) -> None:
        self.emit = emit

    async def on_tool_start(self, context: ToolContext, agent: agents.Agent, tool: agents.Tool) -> None:
        self.emit(ToolCalled(context.tool_call_id, context.tool_name, context.tool_arguments))

    async def on_tool_end(self, context: ToolContext, agent: agents.Agent, tool: agents.Tool, result: object) -> None:
        self.emit(ToolAnswered(context.tool_call_id, str(result)))
{{/ calls }}
{{# team }}


class Team({{# calls }}Recorder{{/ calls }}{{^ calls }}agents.RunHooks{{/ calls }}):
    """Tells of the agents that get the conversation, and stops one that asks its model too often."""

    def __init__(self, emit: Emit, max_steps: dict[str, int]) -> None:
{{# calls }}
        super().__init__(emit)
{{/ calls }}
{{^ calls }}
        self.emit = emit
{{/ calls }}
        self.max_steps = max_steps
        self.steps = 0
{{# handoff }}
        self.transfers = 0
{{/ handoff }}

    async def on_llm_start(self, context: object, agent: agents.Agent, *request: object) -> None:
        self.steps += 1
        if self.steps > self.max_steps[agent.name]:
            raise ModelError(f"the model came to no answer within {self.max_steps[agent.name]} steps")

    async def on_handoff(self, context: object, from_agent: agents.Agent, to_agent: agents.Agent) -> None:
        self.steps = 0
{{# handoff }}
        self.emit(StepFinished(from_agent.name))
        self.transfers += 1
        if self.transfers > MAX_TRANSFERS:
            raise ModelError(f"the conversation was passed on more than {MAX_TRANSFERS} times")
{{/ handoff }}
        self.emit(StepStarted(to_agent.name))
{{/ team }}
