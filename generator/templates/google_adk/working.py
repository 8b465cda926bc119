"""How an agent works: the model is asked{{# calls }}, calls its tools, and is asked again,{{/ calls }} until it answers."""

from __future__ import annotations

{{# calls }}
import json
{{/ calls }}
from collections.abc import AsyncIterator

from google.adk.agents import BaseAgent
from google.adk.agents.run_config import RunConfig
from google.adk.events import Event as Happening
from google.adk.runners import {{# tasks }}InMemoryRunner, {{/ tasks }}Runner
from google.adk.sessions import InMemorySessionService
{{# tasks }}
from google.adk.workflow import Workflow
{{/ tasks }}
from google.genai import types

{{# calls }}
from .events import ToolAnswered, ToolCalled
{{/ calls }}
from .model import ENDPOINT_ERRORS, ModelError
{{# calls }}
from .streaming import Write
{{/ calls }}


async def work(agent: BaseAgent, messages: list[dict]{{# calls }}, write: Write{{/ calls }}) -> str:
    """Lets an agent answer the last of `messages`{{# calls }}; what happens meanwhile is written{{/ calls }}."""
    answer = ""
    async for happening in happenings(agent, messages):
{{# calls }}
        tell(happening, write)
{{/ calls }}
        answer = text_of(happening) or answer
    return answer


async def happenings(agent: BaseAgent, messages: list[dict]) -> AsyncIterator[Happening]:
    """What happens in a run of ADK that answers the last of `messages`."""
    sessions = InMemorySessionService()
    session = await sessions.create_session(app_name=agent.name, user_id="user")
    for message in messages[:-1]:
        author = "user" if message["role"] == "user" else agent.name
        await sessions.append_event(session, Happening(author=author, content=content_of(message)))
    runner = Runner(app_name=agent.name, agent=agent, session_service=sessions)
    try:
        async for happening in runner.run_async(
            user_id="user",
            session_id=session.id,
            new_message=content_of(messages[-1]),
            # No limit here: each agent's model counts for itself.
            run_config=RunConfig(max_llm_calls=0),
        ):
            if not happening.error_code:
                yield happening
            elif happening.error_code not in ("ModelError", "ConfigurationError"):
                raise ModelError(f"the model's endpoint failed: {happening.error_code}: {happening.error_message}")
    except ENDPOINT_ERRORS as error:
        raise ModelError(f"the model's endpoint failed: {error}") from error
    finally:
        await runner.close()


{{# tasks }}
async def go_through(workflow: Workflow) -> None:
    """Runs a workflow from its start to its end; its nodes say themselves what happens."""
    runner = InMemoryRunner(node=workflow)
    session = await runner.session_service.create_session(app_name=runner.app_name, user_id="user")
    start = types.Content(role="user", parts=[types.Part(text="Begin.")])
    try:
        async for _ in runner.run_async(user_id="user", session_id=session.id, new_message=start):
            pass
    finally:
        await runner.close()


{{/ tasks }}
{{# calls }}
def tell(happening: Happening, write: Write{{# handoff }}, hidden: list[str]{{/ handoff }}) -> None:
    """Writes what a happening says about tools."""
    for call in happening.get_function_calls():
{{# handoff }}
        if call.name not in hidden:
            write(ToolCalled(call.id, call.name, json.dumps(call.args)))
{{/ handoff }}
{{^ handoff }}
        write(ToolCalled(call.id, call.name, json.dumps(call.args)))
{{/ handoff }}
    for answer in happening.get_function_responses():
{{# handoff }}
        if answer.name not in hidden:
            write(ToolAnswered(answer.id, output_of(answer)))
{{/ handoff }}
{{^ handoff }}
        write(ToolAnswered(answer.id, output_of(answer)))
{{/ handoff }}


def output_of(answer: types.FunctionResponse) -> str:
    """What a tool returned, or why it did not."""
    result = answer.response.get("result")
    return result if isinstance(result, str) else json.dumps(answer.response)


{{/ calls }}
def text_of(happening: Happening) -> str:
    """The text of an answer; empty for all else that happens."""
    if not happening.is_final_response() or not happening.content:
        return ""
    return "".join(part.text for part in happening.content.parts or [] if part.text and not part.thought)


def content_of(message: dict) -> types.Content:
    """A message `{"role": "user" or "assistant", "content": text}` as ADK knows it."""
    role = "user" if message["role"] == "user" else "model"
    return types.Content(role=role, parts=[types.Part(text=message["content"])])
