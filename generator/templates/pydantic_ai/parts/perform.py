async def perform(task: Task, messages: list[dict], results: dict[str, str], write: Write) -> str:
    """Does a task, and returns what comes of it."""
    write(StepStarted(task.name))
    agent = AGENTS[task.agent]
    worker = pydantic_ai.Agent(
        chat_model(MODELS[agent.model]),
        instructions=agent.instructions,
{{# tools }}
        tools=[TOOLS[name] for name in agent.tools],
        retries=agent.max_steps,
{{/ tools }}
    )
    told = [*messages, {"role": "user", "content": brief(task, results)}]
    result = await work(worker, conversation(told), {{# tools }}agent.max_steps, write{{/ tools }}{{^ tools }}1{{/ tools }})
    write(StepFinished(task.name))
    return result.output
