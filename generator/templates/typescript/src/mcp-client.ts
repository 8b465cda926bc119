/** A client of the Model Context Protocol over standard input and output, as far as calling a tool needs it. */

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";

const PROTOCOL_VERSION = "2025-06-18";

interface Result {
  content?: { type?: string; text?: string }[];
  isError?: boolean;
}

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
        if ("error" in message) {
          throw new Error(`${method} failed: ${message.error?.message}`);
        }
        return message.result;
      }
    }
    const why = failure ? `cannot be started: ${failure.message}` : `ended, or took over ${timeoutMilliseconds / 1000} seconds, before it answered`;
    throw new Error(`${program} ${why}`);
  };
  const send = (message: object): void => {
    server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  };

  try {
    const clientInfo = { name: {{ client }}, version: {{ version }} };
    await request(1, "initialize", { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo });
    send({ method: "notifications/initialized" });
    const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value != null));
    const result = (await request(2, "tools/call", { name: tool, arguments: present })) as Result;
    const parts = (result.content ?? []).filter((part) => part.type === "text").map((part) => part.text);
    const text = parts.join("\n");
    if (result.isError) {
      throw new Error(text || `${tool} failed without saying why`);
    }
    return text;
  } finally {
    clearTimeout(watchdog);
    server.kill("SIGKILL");
  }
}
