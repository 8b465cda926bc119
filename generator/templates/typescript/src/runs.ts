/** A run of agents by the Agents SDK, and what happens in it as events. */

import {
  Agent,
  AgentsError,
  assistant,
  Runner,
  user,
  type AgentInputItem,
  type CallModelInputFilter,
} from "@openai/agents";
import { OpenAIError } from "openai";

import type { Message } from "./events.js";
import { ConfigurationError, ModelError } from "./model.js";
import type { Listener } from "./stream.js";

/** Counts what agents ask of their models, and stops one that asks too often. */
export class Steps {
  private taken = new Map<string, number>();
  private failure: ModelError | undefined;

  /** `most` says how often an agent may ask. */
  constructor(private readonly most: (agent: string) => number) {}

  /** Ends the run before a model is asked again. */
  stop(failure: ModelError): void {
    this.failure ??= failure;
  }

  /** Has the agent begin anew: it has the conversation again. */
  restart(agent: string): void {
    this.taken.delete(agent);
  }

  /** What the SDK calls before it asks a model. */
  readonly filter: CallModelInputFilter = ({ modelData, agent }) => {
    const taken = (this.taken.get(agent.name) ?? 0) + 1;
    this.taken.set(agent.name, taken);
    if (taken > this.most(agent.name)) {
      this.stop(new ModelError(`the model came to no answer within ${this.most(agent.name)} steps`));
    }
    if (this.failure) {
      throw this.failure;
    }
    return modelData;
  };
}

/** The conversation as the Agents SDK takes it. */
export function items(messages: Message[]): AgentInputItem[] {
  return messages.map(({ role, content }) => (role === "user" ? user(content) : assistant(content)));
}

{{# calls }}
/** Tells of the tools that an agent calls. */
export function tellOfTools(agent: Agent, { emit }: Listener): void {
  agent.on("agent_tool_start", (_context, _tool, { toolCall }) => {
    if (toolCall.type === "function_call") {
      emit({ kind: "tool called", callId: toolCall.callId, name: toolCall.name, arguments: toolCall.arguments });
    }
  });
  agent.on("agent_tool_end", (_context, _tool, result, { toolCall }) => {
    if (toolCall.type === "function_call") {
      emit({ kind: "tool answered", callId: toolCall.callId, content: result });
    }
  });
}

{{/ calls }}
/** Runs an agent, and those that it passes the conversation on to, until one answers. */
export async function answer(agent: Agent, input: AgentInputItem[], steps: Steps, { signal }: Listener) {
  const runner = new Runner({ tracingDisabled: true, toolNotFoundBehavior: "return_error_to_model" });
  try {
    return await runner.run(agent, input, { maxTurns: null, callModelInputFilter: steps.filter, signal });
  } catch (error) {
    throw asModelError(error);
  }
}

function asModelError(error: unknown): unknown {
  if (error instanceof ModelError || error instanceof ConfigurationError) {
    return error;
  }
  if (error instanceof OpenAIError) {
    return new ModelError(`the model's endpoint failed: ${error.message}`, { cause: error });
  }
  if (error instanceof AgentsError) {
    return new ModelError(`the model's answer is of no use: ${error.message}`, { cause: error });
  }
  return error;
}
