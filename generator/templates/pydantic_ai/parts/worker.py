def worker(agent: Agent{{# handoff }}, output_type: list{{/ handoff }}) -> pydantic_ai.Agent:
    """An agent as Pydantic AI knows it."""
    return pydantic_ai.Agent(
        chat_model(MODELS[agent.model]),
        instructions=agent.instructions,
{{# handoff }}
        output_type=output_type,
{{/ handoff }}
{{# tools }}
        tools=[TOOLS[name] for name in agent.tools],
{{/ tools }}
        retries=agent.max_steps,
    )
