{{ docstring }}

from __future__ import annotations

{{# tools }}
import json
{{/ tools }}
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

{{# tools }}
from llama_index.core.agent.workflow import ToolCall, ToolCallResult
{{/ tools }}
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step
from llama_index.core.workflow import Event as Update

from .blocking import iterate
from .events import Answered, Event, StepFinished, StepStarted{{# tools }}, ToolAnswered, ToolCalled{{/ tools }}
from .limited_agent import LimitedAgent
from .model import ENDPOINT_ERRORS, MODELS, {{# tools }}NOT_JSON, {{/ tools }}ModelError, chat_model
{{# tools }}
from .tools import TOOLS
{{/ tools }}


{{ agents }}

# The agent that people talk to: it chooses who answers.
ROUTER = {{ first }}


class Question(Update):
    """The router is asked to choose."""

    messages: list[ChatMessage]
    steps: int = 0


class Chosen(Update):
    """The router has chosen an agent."""

    name: str


class Done(Update):
    """The agent has answered."""

    name: str


class Routing(Workflow):
    """The router chooses one of the other agents, by calling a function, and that agent answers."""

    def __init__(self, messages: list[dict]) -> None:
        super().__init__(timeout=None)
        self.conversation = [ChatMessage(**message) for message in messages]
        self.model = chat_model(MODELS[AGENTS[ROUTER].model])
        self.functions = {f"transfer_to_{name}": name for name in AGENTS if name != ROUTER}

    @step
    async def begin(self, start: StartEvent) -> Question:
        return Question(messages=[ChatMessage(AGENTS[ROUTER].instructions, role="system"), *self.conversation])

    @step
    async def choose(self, question: Question) -> Question | Chosen:
        """Asks the router; what is no choice is asked for again."""
        if question.steps == AGENTS[ROUTER].max_steps:
            raise ModelError(f"the model came to no answer within {question.steps} steps")
        tools = [transfer_to(name) for name in self.functions.values()]
        response = await self.model.achat_with_tools(tools, chat_history=[*question.messages], tool_required=True)
        calls = self.model.get_tool_calls_from_response(response, error_on_no_tool_call=False)
        for call in calls:
            if call.tool_name in self.functions:
                return Chosen(name=self.functions[call.tool_name])
        remark = f"Error: call one of {', '.join(self.functions)}"
        remarks = [ChatMessage(remark, role="tool", additional_kwargs={"tool_call_id": call.tool_id}) for call in calls]
        messages = [*question.messages, response.message, *(remarks or [ChatMessage(remark)])]
        return Question(messages=messages, steps=question.steps + 1)

    @step
    async def work(self, context: Context, chosen: Chosen) -> StopEvent:
        """Lets the agent answer that was chosen."""
        context.write_event_to_stream(chosen)
        handler = build_agent(chosen.name).run(chat_history=self.conversation)
{{# tools }}
        async for update in handler.stream_events():
            if isinstance(update, (ToolCall, ToolCallResult)):
                context.write_event_to_stream(update)
{{/ tools }}
        output = await handler
        context.write_event_to_stream(Done(name=chosen.name))
        return StopEvent(result=output.response.content or "")


def transfer_to(name: str) -> FunctionTool:
    """What the router calls to choose an agent. Nothing is done in it: that it was called is enough."""

    def transfer() -> None:
        pass

    return FunctionTool.from_defaults(
        transfer, name=f"transfer_to_{name}", description=f"Let {name} answer: {AGENTS[name].role}"
    )


def build_agent(name: str) -> LimitedAgent:
    """An agent with its tools."""
    return LimitedAgent(
        name=name,
        llm=chat_model(MODELS[AGENTS[name].model]),
        system_prompt=AGENTS[name].instructions,
{{# tools }}
        tools=[tool for tool in TOOLS if tool.metadata.name in AGENTS[name].tools],
{{/ tools }}
        max_steps=AGENTS[name].max_steps,
        streaming=False,
    )


def run(messages: list[dict]) -> Iterator[Event]:
    """Answers the last of `messages`, each `{"role": "user" or "assistant", "content": text}`."""
    return iterate(answer(messages{{ window }}))


async def answer(messages: list[dict]) -> AsyncGenerator[Event, None]:
    """What happens until the agent that was chosen has answered."""
    handler = Routing(messages).run()
    try:
        async for update in handler.stream_events():
            for event in events_of(update):
                yield event
        result = await handler
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    yield Answered(result)


def events_of(update: Update) -> Iterator[Event]:
    """What an update of the workflow says about agents{{# tools }} and tools{{/ tools }}."""
    if isinstance(update, Chosen):
        yield StepStarted(update.name)
    elif isinstance(update, Done):
        yield StepFinished(update.name)
{{# tools }}
    elif isinstance(update, ToolCall):
        given = update.tool_kwargs
        yield ToolCalled(update.tool_id, update.tool_name, given.get(NOT_JSON) or json.dumps(given))
    elif isinstance(update, ToolCallResult):
        yield ToolAnswered(update.tool_id, update.tool_output.content)
{{/ tools }}
