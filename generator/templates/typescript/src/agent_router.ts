{{ docstring }}

import { removeAllTools } from "@openai/agents-core/extensions";
{{ imports }}

{{ agents }}

const ROUTER = {{ first }};

/** Lets the agent that fits best answer the last of `messages`. */
export function run(messages: Message[]): AsyncGenerator<Event> {
  return stream(async (listener) => {
    const steps = new Steps((agent) => AGENTS[agent]!.maxSteps);
    const others = Object.keys(AGENTS).filter((name) => name !== ROUTER);
    const router = buildAgent(ROUTER{{# tools }}, listener{{/ tools }});
    router.modelSettings = { ...router.modelSettings, toolChoice: "required" };
    router.resetToolChoice = false;
    // Whoever answers need not know of the choice.
    router.handoffs = others.map((name) => handoff(buildAgent(name{{# tools }}, listener{{/ tools }}), { inputFilter: removeAllTools }));
    router.on("agent_handoff", (_context, chosen) => {
      listener.emit({ kind: "step started", name: chosen.name });
    });

    let result = await answer(router, items(messages{{ window }}), steps, listener);
    while (result.lastAgent === router) {
      const error = `Error: expected a call of one of: ${others.map((name) => `transfer_to_${name}`).join(", ")}`;
      result = await answer(router, [...result.history, user(error)], steps, listener);
    }
    listener.emit({ kind: "step finished", name: result.lastAgent?.name ?? "" });
    listener.emit({ kind: "answered", text: result.finalOutput ?? "" });
  });
}
