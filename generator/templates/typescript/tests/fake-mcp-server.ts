/** A server of the Model Context Protocol that answers every call of a tool with its name and arguments. */

import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  let result: object | undefined;
  if (method === "initialize") {
    const serverInfo = { name: "fake", version: "1" };
    result = { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo };
  } else if (method === "tools/call") {
    const called = JSON.stringify([params.name, params.arguments]);
    result = { content: [{ type: "text", text: `called ${called}` }] };
  }
  if (result) {
    process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`);
  }
}
