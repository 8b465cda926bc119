/** A server of the Model Context Protocol at an address, which answers every call of a tool with its name and arguments. */

import { randomUUID } from "node:crypto";

import { bodyOf, serving, withEnvironment } from "./fakes.js";

/**
 * Serves while `work` goes on, during which each of some environment variables has the value `a secret`.
 *
 * `secrets` are the headers that had it when a tool was called. A session has to be begun before it is used, and is ended
 * by its client; messages come as JSON and as a stream in turn.
 */
export async function withMcpEndpoint(
  variables: string[],
  work: (address: string, secrets: Set<string>, sessions: Set<string>) => Promise<void>,
): Promise<void> {
  const secrets = new Set<string>();
  const sessions = new Set<string>();
  const values = Object.fromEntries(variables.map((variable) => [variable, "a secret"]));
  await serving(
    async (request, response) => {
      const session = String(request.headers["mcp-session-id"] ?? "");
      if (request.method === "DELETE") {
        sessions.delete(session);
        response.end();
        return;
      }
      const { id, method, params } = JSON.parse(await bodyOf(request));
      const reply = (result: object): string => JSON.stringify({ jsonrpc: "2.0", id, result });
      if (method === "initialize") {
        const begun = randomUUID();
        sessions.add(begun);
        const serverInfo = { name: "fake", version: "1" };
        response.setHeader("Mcp-Session-Id", begun).setHeader("Content-Type", "application/json");
        response.end(reply({ protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo }));
      } else if (!sessions.has(session)) {
        response.writeHead(404).end("there is no such session");
      } else if (method === "tools/call") {
        for (const [name, value] of Object.entries(request.headers)) {
          if (value === "a secret") {
            secrets.add(name);
          }
        }
        const called = JSON.stringify([params.name, params.arguments]);
        const noise = JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: {} });
        const answer = reply({ content: [{ type: "text", text: `called ${called}` }] });
        response.setHeader("Content-Type", "text/event-stream");
        response.end(`: hello\r\n\r\ndata: ${noise}\r\n\r\nevent: message\r\ndata: ${answer}\r\n\r\n`);
      } else {
        response.writeHead(202).end();
      }
    },
    (address) => withEnvironment(values, () => work(`${address}/mcp`, secrets, sessions)),
  );
}
