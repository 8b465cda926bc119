def build_agent(name: str) -> agents.Agent:
    """An agent with its model{{# tools }} and its tools{{/ tools }}."""
    agent = AGENTS[name]
    model = MODELS[agent.model]
    return agents.Agent(
        name=name,
{{# many }}
        handoff_description=agent.role,
{{/ many }}
        instructions=agent.instructions,
        model=chat_model(model),
        model_settings=agents.ModelSettings(temperature=model.temperature),
{{# tools }}
        tools=[TOOLS[tool] for tool in agent.tools],
{{/ tools }}
    )
