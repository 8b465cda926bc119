/** The tools that agents may call: each takes what its schema says and returns text. */

import { tool, type FunctionTool } from "@openai/agents";
{{# imports }}

{{ imports }}
{{/ imports }}
{{# addresses }}

/** Where the tools with an address call. */
export const ADDRESSES = {
{{ address_entries }}
};
{{/ addresses }}
{{# commands }}

/** What starts the servers of the tools that have one. */
export const COMMANDS = {
{{ command_entries }}
};
{{/ commands }}

/** A function that the model may call, and what the model is told about it. */
export interface Tool {
  description: string;
  /** A JSON Schema; the model's arguments are checked against its first level. */
  parameters: { type: "object"; properties?: Record<string, unknown>; required?: string[]; [keyword: string]: unknown };
  call: (given: any) => string | Promise<string>;
}

export const TOOLS: Record<string, Tool> = {
{{ tools }}
};

/** A tool as the Agents SDK knows it; what goes wrong in it is for the model to read. */
export function offered(name: string): FunctionTool {
  const { description, parameters, call } = TOOLS[name]!;
  return tool({
    name,
    description,
    // The SDK's type wants `additionalProperties: true` of a schema that is not strict; the API does not.
    parameters: { properties: {}, required: [], ...parameters } as any,
    strict: false,
    execute: (given: unknown) => call(checked(given, parameters)),
    errorFunction: (_context, error) => `Error: ${error instanceof Error ? error.message : String(error)}`,
  });
}

/** The model's arguments, if they have the names that the schema has. */
function checked(given: unknown, { properties = {}, required = [], additionalProperties }: Tool["parameters"]): object {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new Error("expected the arguments as a JSON object");
  }
  const missing = required.filter((name) => !Object.hasOwn(given, name));
  const isOpen = additionalProperties !== undefined && additionalProperties !== false;
  const unknown = Object.keys(given).filter((name) => !isOpen && !Object.hasOwn(properties, name));
  if (missing.length > 0 || unknown.length > 0) {
    const names = Object.keys(properties).join(", ") || "none";
    const faults = `missing: ${missing.join(", ") || "none"}; unknown: ${unknown.join(", ") || "none"}`;
    throw new Error(`expected the arguments ${names}; ${faults}`);
  }
  return given;
}
