"""How an agent works: the model is asked{{# calls }}, calls its tools, and is asked again,{{/ calls }} until there is a result."""

from __future__ import annotations

from pydantic_ai import (
    Agent,
    AgentRunResult,
{{# calls }}
    AgentStreamEvent,
    FunctionToolCallEvent,
    FunctionToolResultEvent,
{{/ calls }}
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    UsageLimits,
)
from pydantic_ai.exceptions import AgentRunError, UsageLimitExceeded

{{# calls }}
from .events import Event, ToolAnswered, ToolCalled
{{/ calls }}
from .model import ModelError
{{# calls }}
from .streaming import Write
{{/ calls }}


async def work(
    agent: Agent,
    history: list[ModelMessage],
    max_steps: int,
{{# calls }}
    write: Write = lambda event: None,
{{/ calls }}
) -> AgentRunResult:
    """Lets an agent work on the last request of a conversation{{# calls }}; what happens meanwhile is written{{/ calls }}."""
    limits = UsageLimits(request_limit=max_steps)
    try:
{{# calls }}
        async with agent, agent.iter(message_history=history, usage_limits=limits) as agent_run:
            async for node in agent_run:
                if Agent.is_call_tools_node(node):
                    async with node.stream(agent_run.ctx) as happenings:
                        async for happening in happenings:
                            if event := event_of(happening):
                                write(event)
        return agent_run.result
{{/ calls }}
{{^ calls }}
        async with agent:
            return await agent.run(message_history=history, usage_limits=limits)
{{/ calls }}
    except UsageLimitExceeded as error:
        raise ModelError(f"the model came to no answer within {max_steps} steps") from error
    except AgentRunError as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error


{{# calls }}
def event_of(happening: AgentStreamEvent) -> Event | None:
    """What is told of something that happens while tools are called."""
    match happening:
        case FunctionToolCallEvent(part=call):
            return ToolCalled(call.tool_call_id, call.tool_name, call.args_as_json_str())
        case FunctionToolResultEvent(part=answer):
            return ToolAnswered(answer.tool_call_id, answer.model_response_str())
    return None


{{/ calls }}
def conversation(messages: list[dict]) -> list[ModelMessage]:
    """Messages, each `{"role": "user" or "assistant", "content": text}`, as Pydantic AI knows them."""
    return [
        ModelResponse([TextPart(message["content"])])
        if message["role"] == "assistant"
        else ModelRequest.user_text_prompt(message["content"])
        for message in messages
    ]
