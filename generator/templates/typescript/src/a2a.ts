/**
 * The agent for other agents, in the language of A2A 1.0 (JSON-RPC binding).
 *
 * The card says what the agent is. `SendMessage` is answered with a message when the run has ended: there are no
 * tasks to come back to, and a message is a conversation of its own.
 */

import { randomUUID } from "node:crypto";

import { run } from "./agent.js";
import { ConfigurationError, ModelError } from "./model.js";

const CARD = {{ card }};

/** Codes of JSON-RPC 2.0, and of A2A below -32000. */
const CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  taskNotFound: -32001,
  unsupportedOperation: -32004,
};

const TASK_METHODS = ["GetTask", "CancelTask", "SubscribeToTask"];

/** A request that cannot be answered; the message says what was expected. */
class Refused extends Error {
  constructor(
    readonly code: keyof typeof CODES,
    message: string,
  ) {
    super(message);
  }
}

/** The agent's card; `host` is where the asker has reached it, unless AGENT_URL says where that is. */
export function card(host: string): object {
  const base = process.env["AGENT_URL"]?.trim().replace(/\/+$/, "") || `http://${host}`;
  return { ...CARD, supportedInterfaces: [{ url: `${base}/a2a`, protocolBinding: "JSONRPC", protocolVersion: "1.0" }] };
}

/** The JSON-RPC response to a request. */
export async function respond(body: string): Promise<object> {
  let id: unknown = null;
  try {
    const request = parsed(body);
    id = request.id ?? null;
    return { jsonrpc: "2.0", id, result: await result(request.method, request.params) };
  } catch (error) {
    return { jsonrpc: "2.0", id, error: failure(error) };
  }
}

function failure(error: unknown): object {
  if (error instanceof Refused) {
    return { code: CODES[error.code], message: error.message };
  }
  if (error instanceof ConfigurationError || error instanceof ModelError) {
    return { code: CODES.internalError, message: error.message };
  }
  console.error(error);
  return { code: CODES.internalError, message: "the run failed; the server's log says why" };
}

function parsed(body: string): { id?: unknown; method: unknown; params?: unknown } {
  let request;
  try {
    request = JSON.parse(body);
  } catch (error) {
    throw new Refused("parseError", `expected a JSON document: ${(error as Error).message}`);
  }
  if (request?.jsonrpc !== "2.0" || !("method" in request)) {
    throw new Refused("invalidRequest", "expected a JSON-RPC 2.0 request");
  }
  return request;
}

/** What a method returns. */
async function result(method: unknown, params: any): Promise<object> {
  if (TASK_METHODS.includes(String(method))) {
    throw new Refused("taskNotFound", "there are no tasks: SendMessage returns the answer");
  }
  if (method === "SendStreamingMessage") {
    throw new Refused("unsupportedOperation", "expected SendMessage: answers are not streamed here, but at /agui");
  }
  if (method !== "SendMessage") {
    throw new Refused("methodNotFound", "expected the method SendMessage");
  }
  const message = params?.message;
  if (!Array.isArray(message?.parts)) {
    throw new Refused("invalidParams", "expected a message with a list of parts");
  }
  const content = message.parts.map((part: { text?: unknown } | null) => part?.text ?? "").join("");
  if (!content) {
    throw new Refused("invalidParams", "expected a part with text");
  }
  let said = "";
  for await (const event of run([{ role: "user", content }])) {
    if (event.kind === "answered") {
      said = event.text;
    }
  }
  return {
    message: {
      messageId: randomUUID(),
      contextId: message.contextId || randomUUID(),
      role: "ROLE_AGENT",
      parts: [{ text: said, mediaType: "text/plain" }],
    },
  };
}
