async def perform(task: Task, messages: list[dict], results: dict[str, str], write: Write) -> str:
    """Does a task, and returns what comes of it."""
    write(StepStarted(task.name))
    agent = AGENTS[task.agent]
    model = ChatModel(MODELS[agent.model], {{# tools }}agent.max_steps{{/ tools }}{{^ tools }}1{{/ tools }})
    told = [*messages, {"role": "user", "content": brief(task, results)}]
    result = await work(model, agent.role, agent.instructions, told{{# tools }}, [tool(name, write) for name in agent.tools]{{/ tools }})
    write(StepFinished(task.name))
    return result
