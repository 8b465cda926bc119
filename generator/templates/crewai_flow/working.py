"""How an agent works: the model is asked{{# calls }}, calls its tools, and is asked again,{{/ calls }} until it answers."""

from __future__ import annotations

{{# supervisor }}
import asyncio
{{/ supervisor }}
{{# calls }}
import json
import uuid
{{/ calls }}
{{# limited }}
from collections.abc import Callable{{# supervisor }}, Coroutine{{/ supervisor }}
{{/ limited }}
{{# supervisor }}
from concurrent.futures import ThreadPoolExecutor
{{/ supervisor }}

import crewai
{{# limited }}
from crewai.tools import BaseTool
from pydantic import BaseModel, ConfigDict
{{/ limited }}

{{# calls }}
from .events import ToolAnswered, ToolCalled
{{/ calls }}
from .model import ENDPOINT_ERRORS, ChatModel, ModelError
{{# calls }}
from .streaming import Write
{{/ calls }}
{{# tools }}
from .tools import TOOLS
{{/ tools }}


def agent_of(model: ChatModel, role: str, instructions: str{{# limited }}, tools: list[BaseTool]{{/ limited }}) -> crewai.Agent:
    """An agent as CrewAI knows it."""
    return crewai.Agent(
        role=role,
        goal="Answer the message.",
        backstory=instructions,
        llm=model,
{{# limited }}
        tools=tools,
{{/ limited }}
        # The model counts; the framework would ask it once more for an answer at any price.
        max_iter=1000,
        max_retry_limit=0,
        cache=False,
    )


async def work(
    model: ChatModel,
    role: str,
    instructions: str,
    messages: list[dict],
{{# limited }}
    tools: list[BaseTool],
{{/ limited }}
) -> str:
    """Lets an agent answer the last of `messages`."""
    agent = agent_of(model, role, instructions{{# limited }}, tools{{/ limited }})
    try:
        return (await agent.kickoff_async(messages)).raw
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
{{# limited }}


class Function(BaseTool):
    """A function as a tool of CrewAI."""

    function: Callable[..., str]

    def _run(self, **arguments: object) -> str:
        return self.function(**arguments)


def schema_of(parameters: dict) -> type[BaseModel]:
    """A schema as CrewAI wants it: as a class."""

    class Arguments(BaseModel):
        model_config = ConfigDict(extra="allow")

        @classmethod
        def __get_pydantic_json_schema__(cls, core_schema: object, handler: object) -> dict:
            return parameters

    return Arguments
{{/ limited }}
{{# tools }}


def tool(name: str, write: Write) -> BaseTool:
    """One of `TOOLS`; what goes wrong in it is for the model to read."""
    known = TOOLS[name]

    def call(**arguments: object) -> str:
        call_id = str(uuid.uuid4())
        write(ToolCalled(call_id, name, json.dumps(arguments)))
        try:
            content = known.function(**arguments)
        except Exception as error:
            content = f"Error: {error}"
        write(ToolAnswered(call_id, content))
        return content

    return Function(name=name, description=known.description, args_schema=schema_of(known.parameters), function=call)
{{/ tools }}
{{# supervisor }}


def ask_tool(name: str, description: str, ask: Callable[[str], Coroutine], write: Write) -> BaseTool:
    """The tool with which a supervisor asks somebody."""

    def call(request: str = "") -> str:
        call_id = str(uuid.uuid4())
        write(ToolCalled(call_id, name, json.dumps({"request": request})))
        # The framework calls tools within its event loop; the specialist gets one of its own.
        with ThreadPoolExecutor(1) as thread:
            content = thread.submit(asyncio.run, ask(request)).result()
        write(ToolAnswered(call_id, content))
        return content

    request = {"type": "string", "description": "What to find out or do, with all that is needed for it."}
    parameters = {"type": "object", "properties": {"request": request}, "required": ["request"]}
    return Function(name=name, description=description, args_schema=schema_of(parameters), function=call)
{{/ supervisor }}
{{# many }}
{{^ supervisor }}


def transfer_tool(name: str, description: str, transfer: Callable[[], None]) -> BaseTool:
    """The tool with which a model chooses who goes on; the call is its last word."""

    def call(**arguments: object) -> str:
        transfer()
        return "Done"

    parameters = {"type": "object", "properties": {}}
    schema = schema_of(parameters)
    return Function(name=name, description=description, args_schema=schema, function=call, result_as_answer=True)
{{/ supervisor }}
{{/ many }}
