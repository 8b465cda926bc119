/** {{ about }} */

{{# calls }}
import { randomUUID } from "node:crypto";
{{/ calls }}
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
{{# mcp }}
import { fileURLToPath } from "node:url";
{{/ mcp }}

/** A message of the model. */
export interface Said {
  role: "assistant";
  content: string | null;
  tool_calls?: { type: "function"; function: { name: string; arguments: string } }[];
}

/** What the model is sent. */
export interface Request {
  model: string;
  messages: { role: string; content?: string | { text?: string }[] | null }[];
  tools?: { function: { name: string } }[];
}

/** A message, or what makes one of a request. */
export type Reply = Said | ((request: Request) => Said | Promise<Said>);

/** A message that answers. */
export function text(content: string): Said {
  return { role: "assistant", content };
}
{{# calls }}

/** A message that calls a function; `given` is JSON as a model would write it. */
export function toolCall(name: string, given: string): Said {
  return { role: "assistant", content: null, tool_calls: [{ type: "function", function: { name, arguments: given } }] };
}

/** Calls a tool the first time that it is offered, then says what comes after, the last again and again. */
export function callOnce(name: string, given: string, ...after: string[]): Reply {
  const answers = [toolCall(name, given), ...after.map(text)];
  return (request) => {
    const isOffered = request.tools?.some((tool) => tool.function.name === name) ?? false;
    if (answers.length === after.length + 1 && !isOffered) {
      return answers.at(-1)!;
    }
    return answers.length > 1 ? answers.shift()! : answers[0]!;
  };
}
{{/ calls }}

function content(message: Request["messages"][number]): string {
  const parts = message.content ?? "";
  return typeof parts === "string" ? parts : parts.map((part) => part.text ?? "").join("");
}

/** All that the model is told. */
export function said(request: Request | undefined): string {
  return (request?.messages ?? []).map(content).join("\n");
}

/** What the model is asked last. */
export function asked(request: Request): string {
  return request.messages.filter(({ role }) => role === "user").map(content).at(-1) ?? "";
}

/** What the functions returned that the model called. */
export function outputs(request: Request | undefined): string[] {
  return (request?.messages ?? []).filter(({ role }) => role === "tool").map(content);
}

/** What a request says. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Serves on the loopback interface while `work` goes on. */
export async function serving(listener: RequestListener, work: (address: string) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/**
 * Plays the model while `work` goes on, over the chat completions API: each message once, the last one again and
 * again. `requests` has the bodies that were sent. The agent's environment names this endpoint meanwhile.
 */
export async function withModel(replies: Reply[], work: (requests: Request[]) => Promise<void>): Promise<void> {
  const requests: Request[] = [];
  const play: RequestListener = async (request, response) => {
    const body = JSON.parse(await bodyOf(request)) as Request;
    const reply = replies[Math.min(requests.length, replies.length - 1)]!;
    requests.push(body);
    const message = typeof reply === "function" ? await reply(body) : reply;
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(completion(body, message)));
  };
  await serving(play, async (address) => {
    const endpoint = `${address}/v1`;
    await withEnvironment({{ environment }}, () => work(requests));
  });
}

/** Sets variables of the environment while `work` goes on; those that are undefined are not there. */
export async function withEnvironment(values: NodeJS.ProcessEnv, work: () => Promise<void>): Promise<void> {
  const before = { ...process.env };
  const set = (variables: NodeJS.ProcessEnv): void => {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
  };
  set(values);
  try {
    await work();
  } finally {
    set(Object.fromEntries(Object.keys(values).map((name) => [name, before[name]])));
  }
}

/** A message as the API answers with it{{# calls }}; each of its calls has an id of its own, as those of a model have{{/ calls }}. */
function completion({ model }: Request, message: Said): object {
{{# calls }}
  const calls = message.tool_calls?.map((call) => ({ id: `call_${randomUUID().slice(0, 8)}`, ...call }));
  const choice = { index: 0, message: { ...message, tool_calls: calls }, finish_reason: calls ? "tool_calls" : "stop" };
{{/ calls }}
{{^ calls }}
  const choice = { index: 0, message, finish_reason: "stop" };
{{/ calls }}
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  return { id: "chatcmpl-1", object: "chat.completion", created: 0, model, choices: [choice], usage };
}
{{# http }}

/** What a tool asked an endpoint. */
export interface Asked {
  method: string;
  path: string;
  body: string;
  /** The headers whose value was `a secret`. */
  secrets: string[];
}

/** Answers every HTTP request alike while `work` goes on, and keeps what was asked. */
export async function withEndpoint(
  answer: string,
  status: number,
  work: (standInFor: (url: string) => string, requests: Asked[]) => Promise<void>,
): Promise<void> {
  const requests: Asked[] = [];
  const listener: RequestListener = async (request, response) => {
    const { method = "", url = "", headers } = request;
    const secrets = Object.keys(headers).filter((name) => headers[name] === "a secret");
    requests.push({ method, path: url, body: await bodyOf(request), secrets: secrets.sort() });
    response.writeHead(status).end(answer);
  };
  // The same address at this endpoint; the class URL would encode the braces of its placeholders.
  await serving(listener, (address) => work((url) => url.replace(/^https?:\/\/[^/?]*/, address), requests));
}
{{/ http }}
{{# mcp }}

/** What starts the stand-in for servers of the Model Context Protocol. */
export const FAKE_MCP_SERVER = [process.execPath, fileURLToPath(new URL("fake-mcp-server.js", import.meta.url))];
{{/ mcp }}
