/** What each tool does by itself. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { {{ tables_of_tools }} } from "../src/tools.js";
{{# mcp_endpoint }}
import { withMcpEndpoint } from "./fake-mcp-endpoint.js";
{{/ mcp_endpoint }}
{{# fakes }}
import { {{ fakes }} } from "./fakes.js";
{{/ fakes }}

/** What a tool answers. */
async function call(name: string, given: object): Promise<string> {
  return await TOOLS[name]!.call(given);
}

test("every tool is described", () => {
  for (const { description, parameters } of Object.values(TOOLS)) {
    assert.ok(description);
    assert.equal(parameters.type, "object");
  }
});
{{ cases }}
