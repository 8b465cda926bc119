{{ docstring }}

import { Agent } from "@openai/agents";

import type { Event, Message } from "./events.js";
import { chatModel, MODELS } from "./model.js";
import { answer, items, Steps{{# tools }}, tellOfTools{{/ tools }} } from "./runs.js";
import { stream{{# tools }}, type Listener{{/ tools }} } from "./stream.js";
{{# tools }}
import { offered, TOOLS } from "./tools.js";
{{/ tools }}

const INSTRUCTIONS ={{ instructions }};

{{# tools }}
export const MAX_STEPS = {{ max_steps }};

/** The agent with its model and its tools. */
function buildAgent(listener: Listener): Agent {
  const model = MODELS[{{ model }}]!;
  const agent = new Agent({
    name: {{ name }},
    instructions: INSTRUCTIONS,
    model: chatModel(model),
    modelSettings: { temperature: model.temperature },
    tools: Object.keys(TOOLS).map(offered),
  });
  tellOfTools(agent, listener);
  return agent;
}
{{/ tools }}
{{^ tools }}
/** The agent with its model. */
function buildAgent(): Agent {
  const model = MODELS[{{ model }}]!;
  return new Agent({
    name: {{ name }},
    instructions: INSTRUCTIONS,
    model: chatModel(model),
    modelSettings: { temperature: model.temperature },
  });
}
{{/ tools }}

/** Answers the last of `messages`. */
export function run(messages: Message[]): AsyncGenerator<Event> {
  return stream(async (listener) => {
{{# tools }}
    const steps = new Steps(() => MAX_STEPS);
    const result = await answer(buildAgent(listener), items(messages{{ window }}), steps, listener);
{{/ tools }}
{{^ tools }}
    const result = await answer(buildAgent(), items(messages{{ window }}), new Steps(() => 1), listener);
{{/ tools }}
    listener.emit({ kind: "answered", text: result.finalOutput ?? "" });
  });
}
