{{ docstring }}

{{ imports }}

{{ agents }}

{{ tasks }}

/** Does every task in turn for the last of `messages`; the last result is the answer. */
export function run(messages: Message[]): AsyncGenerator<Event> {
  return stream(async (listener) => {
    const results = new Map<string, string>();
    let text = "";
    for (const task of TASKS) {
      text = await perform(task, messages{{ window }}, results, listener);
      results.set(task.name, text);
    }
    listener.emit({ kind: "answered", text });
  });
}
