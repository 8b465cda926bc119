/**
 * The agent over HTTP, for people in the language of AG-UI 1.0 and for agents in that of A2A 1.0.
 *
 * `POST /agui` takes a RunAgentInput and answers with server-sent events; `POST /a2a` and the card at
 * `/.well-known/agent-card.json` are in `a2a.ts`; `GET /healthz` says that the server is up. Listens on HOST and
 * PORT, 0.0.0.0:8080 unless the environment says otherwise.
 */

import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { card, respond } from "./a2a.js";
import { run } from "./agent.js";
import type { Message } from "./events.js";
import { ConfigurationError, ModelError } from "./model.js";

const BODY_LIMIT = 1024 * 1024;

/** The request is not one that can be answered; the message says what was expected. */
class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Input {
  threadId: string;
  runId: string;
  messages: Message[];
}

/** The thread's id, the run's id and the messages of a RunAgentInput. */
function conversation(body: string): Input {
  let given;
  try {
    given = JSON.parse(body);
  } catch (error) {
    throw new Refused(400, `expected a JSON document: ${(error as Error).message}`);
  }
  if (!Array.isArray(given?.messages)) {
    throw new Refused(400, "expected a RunAgentInput: an object with a list of messages");
  }
  const messages: Message[] = [];
  for (const message of given.messages) {
    if (typeof message !== "object" || message === null) {
      throw new Refused(400, "expected every message to be an object");
    }
    const { role } = message;
    const content = Array.isArray(message.content)
      ? message.content.map((part: { text?: unknown } | null) => part?.text ?? "").join("")
      : message.content;
    if ((role === "user" || role === "assistant") && typeof content === "string" && content) {
      messages.push({ role, content });
    }
  }
  if (messages.at(-1)?.role !== "user") {
    throw new Refused(400, "expected the last message to be the user's");
  }
  return {
    threadId: String(given.threadId || randomUUID()),
    runId: String(given.runId || randomUUID()),
    messages,
  };
}

/** The events of one run. */
async function* aguiEvents({ threadId, runId, messages }: Input): AsyncGenerator<object> {
  yield { type: "RUN_STARTED", threadId, runId, protocolVersion: "1.0" };
  try {
    for await (const event of run(messages)) {
      switch (event.kind) {
{{# steps }}
        case "step started":
          yield { type: "STEP_STARTED", stepName: event.name };
          break;
        case "step finished":
          yield { type: "STEP_FINISHED", stepName: event.name };
          break;
{{/ steps }}
{{# calls }}
        case "tool called":
          yield { type: "TOOL_CALL_START", toolCallId: event.callId, toolCallName: event.name };
          yield { type: "TOOL_CALL_ARGS", toolCallId: event.callId, delta: event.arguments };
          yield { type: "TOOL_CALL_END", toolCallId: event.callId };
          break;
        case "tool answered": {
          const result = { messageId: randomUUID(), toolCallId: event.callId, role: "tool", content: event.content };
          yield { type: "TOOL_CALL_RESULT", ...result };
          break;
        }
{{/ calls }}
        case "answered": {
          const messageId = randomUUID();
          yield { type: "TEXT_MESSAGE_START", messageId, role: "assistant" };
          if (event.text) {
            yield { type: "TEXT_MESSAGE_CONTENT", messageId, delta: event.text };
          }
          yield { type: "TEXT_MESSAGE_END", messageId };
        }
      }
    }
  } catch (error) {
    if (error instanceof ConfigurationError) {
      yield { type: "RUN_ERROR", message: error.message, code: "not_configured" };
    } else if (error instanceof ModelError) {
      yield { type: "RUN_ERROR", message: error.message, code: "model_failed" };
    } else {
      console.error(error);
      yield { type: "RUN_ERROR", message: "the run failed; the server's log says why", code: "internal" };
    }
    return;
  }
  yield { type: "RUN_FINISHED", threadId, runId, outcome: { type: "success" } };
}

/** Answers one request. */
async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "GET" && request.url === "/healthz") {
    answer(response, 200, { status: "ok" });
  } else if (request.method === "GET" && request.url === "/.well-known/agent-card.json") {
    answer(response, 200, card(request.headers.host ?? ""));
  } else if (request.method === "POST" && request.url === "/agui") {
    await agui(response, conversation(await bodyOf(request)));
  } else if (request.method === "POST" && request.url === "/a2a") {
    answer(response, 200, await respond(await bodyOf(request)));
  } else {
    throw new Refused(404, "expected GET /healthz, GET /.well-known/agent-card.json, POST /agui or POST /a2a");
  }
}

async function agui(response: ServerResponse, input: Input): Promise<void> {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  for await (const event of aguiEvents(input)) {
    if (response.destroyed) {
      return; // whoever asked has gone
    }
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const length = Number(request.headers["content-length"] ?? Number.NaN);
  if (!Number.isInteger(length)) {
    throw new Refused(411, "expected a Content-Length");
  }
  if (length > BODY_LIMIT) {
    throw new Refused(413, `expected at most ${BODY_LIMIT} bytes`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function answer(response: ServerResponse, status: number, document: object): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(document));
}

/** A server that does not listen yet. */
export function buildServer(): Server {
  return createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (error instanceof Refused) {
        answer(response, error.status, { error: error.message });
      } else {
        console.error(error);
        response.destroy();
      }
    });
  });
}

/** Serves until it is stopped. */
export async function serve(): Promise<void> {
  const server = buildServer();
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  // As process 1 of a container, Node would not heed these by itself.
  process.once("SIGTERM", stop).once("SIGINT", stop);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).once("close", resolve);
    server.listen(Number(process.env["PORT"] || 8080), process.env["HOST"] || "0.0.0.0", () => {
      const { address, port } = server.address() as AddressInfo;
      console.log(`listening on http://${address}:${port}`);
    });
  });
}
