def build_agent(name: str{{# tools }}, emit: Emit{{/ tools }}) -> agent_framework.Agent:
    """An agent with its model{{# tools }} and its tools{{/ tools }}."""
    agent = AGENTS[name]
    model = MODELS[agent.model]
{{# limited }}
    max_steps = agent.max_steps
{{/ limited }}
{{^ limited }}
    max_steps = 1
{{/ limited }}
    return agent_framework.Agent(
        client=chat_client(model, max_steps),
        name=name,
        instructions=agent.instructions,
        default_options={"temperature": model.temperature},
{{# tools }}
        tools=[TOOLS[tool] for tool in agent.tools],
{{/ tools }}
        middleware=[StepLimit(max_steps){{# tools }}, Recorder(emit){{/ tools }}],
    )
