{{ docstring }}

{{ imports }}

{{ agents }}

{{ tasks }}

/** Does the tasks for the last of `messages`, side by side where none waits for another. */
export function run(messages: Message[]): AsyncGenerator<Event> {
  return stream(async (listener) => {
    const underWay = new Map<string, Promise<string>>();
    const begin = async (task: Task): Promise<string> => {
      // Tasks begin in the order of the list, so that those before are to be found when this one waits.
      await Promise.resolve();
      await Promise.all(task.after.map((name) => underWay.get(name)));
      const results = new Map<string, string>();
      for (const { name } of TASKS.filter((other) => before(task).has(other.name))) {
        results.set(name, (await underWay.get(name)) ?? "");
      }
      return perform(task, messages{{ window }}, results, listener);
    };
    for (const task of TASKS) {
      underWay.set(task.name, begin(task));
    }
    await Promise.all(underWay.values());
    const results = new Map<string, string>();
    for (const [name, result] of underWay) {
      results.set(name, await result);
    }
    listener.emit({ kind: "answered", text: joined(results) });
  });
}

/** The names of the tasks that a task waits for, directly or not. */
function before(task: Task): Set<string> {
  const direct = TASKS.filter((other) => task.after.includes(other.name));
  return new Set(direct.flatMap((other) => [other.name, ...before(other)]));
}

/** The results of the tasks that no other waits for. */
function joined(results: Map<string, string>): string {
  const last = TASKS.filter((task) => !TASKS.some((other) => other.after.includes(task.name)));
  if (last.length === 1) {
    return results.get(last[0]!.name) ?? "";
  }
  return last.map(({ name }) => `## ${name}\n\n${results.get(name)}`).join("\n\n");
}
