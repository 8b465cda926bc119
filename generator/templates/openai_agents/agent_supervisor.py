{{ docstring }}

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import agents

from .events import Answered, Event, StepFinished, StepStarted
from .model import ENDPOINT_ERRORS, MODELS, ModelError, chat_model
from .runs import Recorder, answer
from .stream import Emit, stream
{{# tools }}
from .tools import TOOLS
{{/ tools }}


{{ agents }}

SUPERVISOR = {{ first }}


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages` with what the other agents find out and do.

    Each message is `{"role": "user" or "assistant", "content": text}`.
    """

    async def work(emit: Emit) -> None:
        hooks = Consultations(emit)
        supervisor = build_agent(SUPERVISOR)
        supervisor.tools += [specialist(name, hooks) for name in AGENTS if name != SUPERVISOR]
        emit(Answered(await answer(supervisor, messages{{ window }}, AGENTS[SUPERVISOR].max_steps, hooks)))

    return stream(work)


@dataclass
class Request:
    """What a specialist is asked: what to find out or do, with all that is needed for it."""

    request: str


def specialist(name: str, hooks: agents.RunHooks) -> agents.FunctionTool:
    """An agent as a tool of the supervisor."""

    def explain(context: agents.RunContextWrapper, error: Exception) -> str:
        # A request that cannot be read is for the model to mend; a run that comes to no answer ends.
        if isinstance(error, agents.MaxTurnsExceeded):
            raise ModelError(f"the model came to no answer within {AGENTS[name].max_steps} steps") from error
        if isinstance(error, ENDPOINT_ERRORS):
            raise ModelError(f"the model's endpoint failed: {error}") from error
        return f"Error: {error}"

    return build_agent(name).as_tool(
        tool_name=f"ask_{name}",
        tool_description=f"Ask this agent, who knows only what the request says: {AGENTS[name].role}",
        parameters=Request,
        input_builder=lambda options: options["params"]["request"],
        max_turns=AGENTS[name].max_steps,
        hooks=hooks,
        failure_error_function=explain,
    )


class Consultations(Recorder):
    """Tells also of the specialists that are asked."""

    async def on_agent_start(self, context: object, agent: agents.Agent) -> None:
        if agent.name != SUPERVISOR:
            self.emit(StepStarted(agent.name))

    async def on_agent_end(self, context: object, agent: agents.Agent, output: object) -> None:
        if agent.name != SUPERVISOR:
            self.emit(StepFinished(agent.name))


{{ build }}
