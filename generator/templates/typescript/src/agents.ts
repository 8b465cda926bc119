/** Who does a piece of work, and with what. */
interface Worker {
{{# many }}
  role: string;
{{/ many }}
  instructions: string;
  model: string;
{{# tools }}
  tools: string[];
{{/ tools }}
{{# handoff }}
  handoffs: string[];
{{/ handoff }}
  maxSteps: number;
}

export const AGENTS: Record<string, Worker> = {
{{ agents }}
};

/** An agent with its model{{# tools }} and its tools{{/ tools }}. */
function buildAgent(name: string{{# calls }}, listener: Listener{{/ calls }}): Agent {
  const worker = AGENTS[name]!;
  const model = MODELS[worker.model]!;
{{# calls }}
  const agent = new Agent({
{{/ calls }}
{{^ calls }}
  return new Agent({
{{/ calls }}
    name,
{{# many }}
    handoffDescription: worker.role,
{{/ many }}
    instructions: worker.instructions,
    model: chatModel(model),
    modelSettings: { temperature: model.temperature },
{{# tools }}
    tools: worker.tools.map(offered),
{{/ tools }}
  });
{{# calls }}
  tellOfTools(agent, listener);
  return agent;
{{/ calls }}
}
