async def perform(task: Task, messages: list[dict], results: dict[str, str], write: Write) -> str:
    """Does a task, and returns what comes of it."""
    write(StepStarted(task.name))
    agent = AGENTS[task.agent]
    worker = LlmAgent(
        name=task.agent,
        model=ChatModel(MODELS[agent.model], {{# tools }}agent.max_steps{{/ tools }}{{^ tools }}1{{/ tools }}),
        static_instruction=agent.instructions,
{{# tools }}
        tools=[TOOLS[name] for name in agent.tools],
{{/ tools }}
    )
    told = [*messages, {"role": "user", "content": brief(task, results)}]
    result = await work(worker, told{{# tools }}, write{{/ tools }})
    write(StepFinished(task.name))
    return result
