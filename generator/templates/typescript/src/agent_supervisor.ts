{{ docstring }}

{{ imports }}

{{ agents }}

const SUPERVISOR = {{ first }};

/** What a specialist is asked. */
const REQUEST = {
  type: "object" as const,
  properties: { request: { type: "string", description: "What to find out or do, with all that is needed for it." } },
  required: ["request"],
  additionalProperties: false as const,
};

/** Answers the last of `messages` with what the other agents find out and do. */
export function run(messages: Message[]): AsyncGenerator<Event> {
  return stream(async (listener) => {
    const steps = new Steps((agent) => AGENTS[agent]!.maxSteps);
    const supervisor = buildAgent(SUPERVISOR, listener);
    const others = Object.keys(AGENTS).filter((name) => name !== SUPERVISOR);
    supervisor.tools = [...supervisor.tools, ...others.map((name) => specialist(name, steps, listener))];
    const result = await answer(supervisor, items(messages{{ window }}), steps, listener);
    listener.emit({ kind: "answered", text: result.finalOutput ?? "" });
  });
}

/** An agent as a tool of the supervisor. */
function specialist(name: string, steps: Steps, listener: Listener): FunctionTool<any, any> {
  const { role, maxSteps } = AGENTS[name]!;
  const agent = buildAgent(name, listener);
  agent.on("agent_start", () => listener.emit({ kind: "step started", name }));
  agent.on("agent_end", () => listener.emit({ kind: "step finished", name }));
  return agent.asTool({
    toolName: `ask_${name}`,
    toolDescription: `Ask this agent, who knows only what the request says: ${role}`,
    parameters: REQUEST,
    inputBuilder: ({ params }) => String((params as { request: unknown }).request),
    runConfig: { tracingDisabled: true, toolNotFoundBehavior: "return_error_to_model" },
    runOptions: {
      maxTurns: maxSteps,
      signal: listener.signal,
      errorHandlers: {
        // The SDK would tell the supervisor only; a run that comes to no answer ends.
        maxTurns: () => {
          steps.stop(new ModelError(`the model came to no answer within ${maxSteps} steps`));
          return { finalOutput: "" };
        },
      },
    },
  });
}
