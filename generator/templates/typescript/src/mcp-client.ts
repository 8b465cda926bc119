/** A client of the Model Context Protocol over {{ over }}, as far as calling a tool needs it. */

{{# commands }}
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";

{{/ commands }}
{{# at }}
import { headerValues } from "./outgoing.js";

{{/ at }}
const PROTOCOL_VERSION = "2025-06-18";
const CLIENT = { name: {{ client }}, version: {{ version }} };
{{# at }}
const ANSWER_LIMIT = 16_000_000;
const DETAIL_LIMIT = 2_000;
{{/ at }}

interface Result {
  content?: { type?: string; text?: string }[];
  isError?: boolean;
}
{{# commands }}

/** Starts a server, calls one of its tools, and returns the text that it answers with. */
export async function callMcp(
  command: string[],
  tool: string,
  given: Record<string, unknown>,
  timeoutMilliseconds: number,
): Promise<string> {
  const [program = "", ...options] = command;
  const server = spawn(program, options, { stdio: ["pipe", "pipe", "inherit"] }) as unknown as ChildProcessWithoutNullStreams;
  const watchdog = setTimeout(() => server.kill("SIGKILL"), timeoutMilliseconds);
  let failure: Error | undefined;
  server.once("error", (error) => (failure = error));
  // A server that has gone is noticed when its output ends.
  server.stdin.on("error", () => undefined);
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();

  /** The result of one JSON-RPC request; what the server says in between is passed over. */
  const request = async (id: number, method: string, params: object): Promise<unknown> => {
    send({ id, method, params });
    for (let line = await lines.next(); !line.done; line = await lines.next()) {
      const message = JSON.parse(line.value);
      if (message.id === id && !("method" in message)) {
        return resultOf(message, method);
      }
    }
    const why = failure ? `cannot be started: ${failure.message}` : `ended, or took over ${timeoutMilliseconds / 1000} seconds, before it answered`;
    throw new Error(`${program} ${why}`);
  };
  const send = (message: object): void => {
    server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  };

  try {
    await request(1, "initialize", { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo: CLIENT });
    send({ method: "notifications/initialized" });
    return textOf((await request(2, "tools/call", { name: tool, arguments: present(given) })) as Result, tool);
  } finally {
    clearTimeout(watchdog);
    server.kill("SIGKILL");
  }
}
{{/ commands }}
{{# at }}

/**
 * Calls a tool of the server at an address (streamable HTTP), and returns the text that it answers with.
 *
 * `variables` names the environment variable that has the value of each header.
 */
export async function callMcpAt(
  url: string,
  variables: Record<string, string>,
  tool: string,
  given: Record<string, unknown>,
  timeoutMilliseconds: number,
): Promise<string> {
  const headers: Record<string, string> = {
    ...headerValues(variables),
    Accept: "application/json, text/event-stream",
    "Content-Type": "application/json",
  };
  const signal = AbortSignal.timeout(timeoutMilliseconds);

  /** Sends a message; gives those that come back. */
  async function* post(message: object): AsyncGenerator<any> {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    // Nobody is followed to another address, or the headers would go along.
    const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    if (!response.ok) {
      const place = response.headers.get("Location");
      throw new Refused(`${url} answered ${response.status} ${response.statusText}${place ? ` (${place})` : ""}: ${(await textIn(response, url)).slice(0, DETAIL_LIMIT)}`);
    }
    const session = response.headers.get("Mcp-Session-Id");
    if (session) {
      headers["Mcp-Session-Id"] = session;
    }
    if (response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
      yield* events(response, url);
      return;
    }
    const text = await textIn(response, url);
    if (text) {
      yield JSON.parse(text);
    }
  }

  /** The result of one JSON-RPC request; what the server says in between is passed over. */
  const request = async (id: number, method: string, params: object): Promise<any> => {
    for await (const message of post({ id, method, params })) {
      if (message.id === id && !("method" in message)) {
        return resultOf(message, method);
      }
    }
    throw new Error(`there is no answer to ${method}`);
  };

  try {
    const began = await request(1, "initialize", { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo: CLIENT });
    headers["Mcp-Protocol-Version"] = String(began.protocolVersion ?? PROTOCOL_VERSION);
    for await (const _ of post({ method: "notifications/initialized" })) {
      // Nothing is asked, so nothing is read.
    }
    return textOf((await request(2, "tools/call", { name: tool, arguments: present(given) })) as Result, tool);
  } catch (error) {
    if (error instanceof Refused) {
      throw error;
    }
    if (signal.aborted) {
      throw new Error(`${url} took over ${timeoutMilliseconds / 1000} seconds before it answered`, { cause: error });
    }
    const { message, cause } = error as Error;
    throw new Error(`${url} broke off or does not speak the Model Context Protocol: ${cause instanceof Error ? cause.message : message}`, {
      cause: error,
    });
  } finally {
    if (headers["Mcp-Session-Id"]) {
      // Whether the server listens to this is its own affair.
      await fetch(url, { method: "DELETE", headers, signal: AbortSignal.timeout(1_000), redirect: "manual" }).catch(() => undefined);
    }
  }
}

/** What the server says itself, which needs no explanation. */
class Refused extends Error {}

/** The messages in a stream of server-sent events. */
async function* events(response: Response, url: string): AsyncGenerator<any> {
  let data: string[] = [];
  for await (const line of linesOf(response, url)) {
    if (line.startsWith("data:")) {
      data.push(line.slice("data:".length));
    } else if (line === "" && data.length > 0) {
      yield JSON.parse(data.join("\n"));
      data = [];
    }
  }
}

/** The lines of an answer, as they arrive. */
async function* linesOf(response: Response, url: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let length = 0;
  if (response.body === null) {
    return;
  }
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > ANSWER_LIMIT) {
      throw new Refused(`${url} answered with more than ${ANSWER_LIMIT} bytes`);
    }
    const [end = "", ...lines] = decoder.decode(chunk, { stream: true }).split("\n");
    rest += end;
    for (const line of lines) {
      yield rest.replace(/\r$/, "");
      rest = line;
    }
  }
  yield rest;
}

/** The whole of an answer. */
async function textIn(response: Response, url: string): Promise<string> {
  const lines: string[] = [];
  for await (const line of linesOf(response, url)) {
    lines.push(line);
  }
  return lines.join("\n").trim();
}
{{/ at }}

function resultOf(message: { result?: unknown; error?: { message?: string } }, method: string): unknown {
  if (message.error !== undefined) {
    throw new {{# at }}Refused{{/ at }}{{^ at }}Error{{/ at }}(`${method} failed: ${message.error?.message}`);
  }
  return message.result;
}

function present(given: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value != null));
}

/** The text of a tool's answer. */
function textOf(result: Result, tool: string): string {
  const parts = (result.content ?? []).filter((part) => part.type === "text").map((part) => part.text);
  const text = parts.join("\n");
  if (result.isError) {
    throw new {{# at }}Refused{{/ at }}{{^ at }}Error{{/ at }}(text || `${tool} failed without saying why`);
  }
  return text;
}
