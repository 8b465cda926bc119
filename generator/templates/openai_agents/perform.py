async def perform(task: Task, messages: list[dict], results: dict[str, str], emit: Emit) -> str:
    """Has a task done; `results` is what came of those before."""
    emit(StepStarted(task.name))
    conversation = [*messages, {"role": "user", "content": brief(task, results)}]
{{# tools }}
    max_steps = AGENTS[task.agent].max_steps
    result = await answer(build_agent(task.agent), conversation, max_steps, Recorder(emit))
{{/ tools }}
{{^ tools }}
    result = await answer(build_agent(task.agent), conversation, max_steps=1)
{{/ tools }}
    emit(StepFinished(task.name))
    return result
