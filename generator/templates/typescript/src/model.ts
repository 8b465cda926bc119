/**
 * The models that the agents ask, and where they answer.
 *
 * Nothing is assumed: which model answers, and where, is said by the environment or by `MODELS`.
 */

import {
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  setTracingDisabled,
  type Model as AgentsModel,
} from "@openai/agents";
import OpenAI from "openai";

const ATTEMPTS = 3;
const TIMEOUT_MILLISECONDS = 120_000;

// The SDK would send traces to OpenAI, whatever endpoint answers.
setTracingDisabled(true);

/** A setting is missing; the message says which one and what it should be. */
export class ConfigurationError extends Error {}

/** The endpoint did not answer as it should. */
export class ModelError extends Error {}

/** A model and the environment variables that say where it answers. */
export interface Model {
  baseUrlVariable: string;
  keyVariable: string;
  name?: string;
  temperature?: number;
}

export const MODELS: Record<string, Model> = {
{{ models }}
};

function setting(variable: string, meaning: string): string {
  const value = process.env[variable]?.trim();
  if (!value) {
    throw new ConfigurationError(`${variable} is not set: set it to ${meaning}`);
  }
  return value;
}

/** The model as the Agents SDK knows it; OPENAI_API says which of the two APIs its endpoint speaks. */
export function chatModel(model: Model): AgentsModel {
  const client = new OpenAI({
    baseURL: setting(model.baseUrlVariable, "the endpoint's address, such as http://127.0.0.1:11434/v1"),
    // Endpoints on one's own machine often want no key, but the client insists on one.
    apiKey: process.env[model.keyVariable]?.trim() || "none",
    maxRetries: ATTEMPTS - 1,
    timeout: TIMEOUT_MILLISECONDS,
  });
  const name = model.name ?? setting("MODEL_NAME", "the model's name at its endpoint");
  const api = process.env["OPENAI_API"]?.trim() || "chat_completions";
  switch (api) {
    case "chat_completions":
      return new OpenAIChatCompletionsModel(client, name);
    case "responses":
      return new OpenAIResponsesModel(client, name);
    default:
      throw new ConfigurationError(`OPENAI_API is ${api}: set it to chat_completions or responses`);
  }
}
