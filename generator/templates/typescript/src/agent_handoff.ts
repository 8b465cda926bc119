{{ docstring }}

{{ imports }}

{{ agents }}

const FIRST = {{ first }};

/** How often a conversation may be passed on. */
const MAX_TRANSFERS = 10;

/** Answers the last of `messages`; an agent passes the conversation on to one that fits better. */
export function run(messages: Message[]): AsyncGenerator<Event> {
  return stream(async (listener) => {
    const steps = new Steps((agent) => AGENTS[agent]!.maxSteps);
    const team = new Map(Object.keys(AGENTS).map((name) => [name, buildAgent(name{{# tools }}, listener{{/ tools }})]));
    let transfers = 0;
    for (const [name, agent] of team) {
      agent.handoffs = AGENTS[name]!.handoffs.map((other) => team.get(other)!);
      agent.on("agent_handoff", (_context, next) => {
        listener.emit({ kind: "step finished", name });
        transfers += 1;
        if (transfers > MAX_TRANSFERS) {
          steps.stop(new ModelError(`the conversation was passed on more than ${MAX_TRANSFERS} times`));
          return;
        }
        steps.restart(next.name);
        listener.emit({ kind: "step started", name: next.name });
      });
    }
    listener.emit({ kind: "step started", name: FIRST });
    const result = await answer(team.get(FIRST)!, items(messages{{ window }}), steps, listener);
    listener.emit({ kind: "step finished", name: result.lastAgent?.name ?? FIRST });
    listener.emit({ kind: "answered", text: result.finalOutput ?? "" });
  });
}
