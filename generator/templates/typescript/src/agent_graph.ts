{{ docstring }}

{{ imports }}

{{ agents }}

{{ tasks }}

/** A way from a task to the next; it is followed if the result has, or lacks, a text. */
interface Edge {
  from: string;
  to: string;
  contains?: string;
  lacks?: string;
}

/** After a task the first of its edges that holds is followed; "end" ends the run, and so does having none. */
const EDGES: Edge[] = [
{{ edges }}
];

const START = {{ start }};

export const MAX_STEPS = {{ graph_steps }};

/** Goes through the graph for the last of `messages`; the last result is the answer. */
export function run(messages: Message[]): AsyncGenerator<Event> {
  return stream(async (listener) => {
    const results = new Map<string, string>();
    let name = START;
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const task = TASKS.find((other) => other.name === name)!;
      const result = await perform(task, messages{{ window }}, results, listener);
      // The last results in the order in which they came.
      results.delete(name);
      results.set(name, result);
      name = EDGES.find((edge) => edge.from === task.name && holds(edge, result))?.to ?? "end";
      if (name === "end") {
        listener.emit({ kind: "answered", text: result });
        return;
      }
    }
    throw new ModelError(`the graph came to no end within ${MAX_STEPS} steps`);
  });
}

function holds({ contains = "", lacks = "" }: Edge, result: string): boolean {
  const found = result.toLowerCase();
  return found.includes(contains.toLowerCase()) && (lacks === "" || !found.includes(lacks.toLowerCase()));
}
