/** A piece of work. */
interface Task {
  name: string;
  agent: string;
  description: string;
  expectedOutput?: string;
{{# parallel }}
  after: string[];
{{/ parallel }}
}

{{# sequential }}
/** In the order in which they are done. */
{{/ sequential }}
export const TASKS: Task[] = [
{{ tasks }}
];

/** Has a task done; `results` is what came of those before. */
async function perform(task: Task, messages: Message[], results: Map<string, string>, listener: Listener): Promise<string> {
  listener.emit({ kind: "step started", name: task.name });
  const input = items([...messages, { role: "user", content: brief(task, results) }]);
  const steps = new Steps((agent) => AGENTS[agent]!.maxSteps);
  const result = await answer(buildAgent(task.agent{{# tools }}, listener{{/ tools }}), input, steps, listener);
  listener.emit({ kind: "step finished", name: task.name });
  return result.finalOutput ?? "";
}

/** What an agent is told of its task: the work itself and what came of the tasks before. */
function brief(task: Task, results: Map<string, string>): string {
  const parts = [`Your task: ${task.description}`];
  if (task.expectedOutput) {
    parts.push(`Expected output: ${task.expectedOutput}`);
  }
  for (const [name, result] of results) {
    parts.push(`Result of ${name}:\n${result}`);
  }
  return parts.join("\n\n");
}
