/** What must hold whatever the model says{{# calls }}: tools are called, their output goes back{{/ calls }}, and every run ends. */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { run } from "../src/agent.js";
import type { Event, Message } from "../src/events.js";
import { ConfigurationError{{# fails }}, ModelError{{/ fails }} } from "../src/model.js";
import { buildServer } from "../src/server.js";
{{# setup }}
import { {{ tables_of_tools }} } from "../src/tools.js";
{{/ setup }}
{{# mcp_endpoint }}
import { withMcpEndpoint } from "./fake-mcp-endpoint.js";
{{/ mcp_endpoint }}
import { {{ fakes }} } from "./fakes.js";

const HELLO: Message[] = [{ role: "user", content: "Hello" }];
{{# tables }}

{{ tables }}
{{/ tables }}

/** What happens in one run. */
async function eventsOf(messages: Message[]): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of run(messages)) {
    events.push(event);
  }
  return events;
}

/** The names in the events of one kind. */
function names(events: Event[], kind: string): string[] {
  return events.flatMap((event) => (event.kind === kind && "name" in event ? [String(event.name)] : []));
}

/** The answer, which has to be the last event. */
function answerOf(events: Event[]): string {
  const last = events.at(-1);
  assert.equal(last?.kind, "answered");
  return last?.kind === "answered" ? last.text : "";
}
{{# calls }}

/** Leads the tools to stand-ins while `work` goes on. */
async function withTools(work: () => Promise<void>): Promise<void> {
{{ setup }}
}

test("a tool is offered and called and its output goes back to the model", async () => {
  for (const { name, given, output, before, after } of CALLS) {
    await withTools(() =>
      withModel([...before, callOnce(name, given, ...after)], async (requests) => {
        const events = await eventsOf(HELLO);
        assert.match(requests.flatMap(outputs).join("\n"), output);
        assert.deepEqual(names(events, "tool called").filter((called) => called === name), [name]);
        const answered = events.flatMap((event) => (event.kind === "tool answered" ? [event.content] : []));
        assert.match(answered.join("\n"), output);
        assert.ok(answerOf(events).includes(after.at(-1)!));
      }),
    );
  }
});

test("arguments that are not JSON, or that the schema does not know, go back as an error", async () => {
  const { name, before, after } = CALLS[0]!;
  for (const given of ["{not json", '{"no_such_argument": 1}', "[]"]) {
    await withModel([...before, callOnce(name, given, ...after)], async (requests) => {
      const events = await eventsOf(HELLO);
      assert.match(requests.flatMap(outputs).join("\n"), /valid JSON|^Error: expected the arguments/m);
      assert.equal(events.at(-1)?.kind, "answered");
    });
  }
});

test("a model that calls tools for ever is stopped", async () => {
  const { name, given, before{{# limit }}, most{{/ limit }} } = CALLS[0]!;
  await withTools(() =>
    withModel([...before, toolCall(name, given)], async (requests) => {
      await assert.rejects(eventsOf(HELLO), (error) => error instanceof ModelError && /no answer within/.test(error.message));
{{# limit }}
      assert.equal(requests.length, before.length + most);
{{/ limit }}
{{^ limit }}
      assert.ok(requests.length > 0);
{{/ limit }}
    }),
  );
});
{{/ calls }}
{{# plain_answer }}

test("an answer of the model is the answer", async () => {
  await withModel([text("Good day")], async (requests) => {
    assert.ok(answerOf(await eventsOf(HELLO)).includes("Good day"));
    assert.match(requests[0]!.messages[0]!.role, /system|developer/);
{{^ several }}
    assert.ok(said(requests[0]).includes({{ instructions }}));
{{/ several }}
    assert.ok(said(requests[0]).includes("Hello"));
  });
});
{{/ plain_answer }}
{{# sequential }}

test("every task is told what came of the tasks before", async () => {
  const results = TASKS.map((_, index) => `result number ${index}`);
  await withModel(results.map(text), async (requests) => {
    const events = await eventsOf(HELLO);
    assert.equal(requests.length, TASKS.length);
    for (const [index, request] of requests.entries()) {
      for (const told of [TASKS[index]!.begins, ...results.slice(0, index)]) {
        assert.ok(said(request).includes(told), told);
      }
    }
    const expected = TASKS.map(({ name }) => name);
    assert.deepEqual(names(events, "step started"), expected);
    assert.deepEqual(names(events, "step finished"), expected);
    assert.equal(answerOf(events), results.at(-1));
  });
});
{{/ sequential }}
{{# parallel }}

test("every task is done once", async () => {
  await withModel([text("Done")], async (requests) => {
    const events = await eventsOf(HELLO);
    assert.equal(requests.length, TASKS.length);
    const expected = TASKS.map(({ name }) => name).sort();
    assert.deepEqual(names(events, "step started").sort(), expected);
    assert.deepEqual(names(events, "step finished").sort(), expected);
  });
});
{{# at_once }}

test("tasks that wait for nothing are done at the same time", { timeout: 20_000 }, async () => {
  let present = 0;
  let everybody = (): void => undefined;
  const arrival = new Promise<void>((resolve) => {
    everybody = resolve;
  });
  const meet = async (): Promise<Said> => {
    present += 1;
    if (present === {{ first_tasks }}) {
      everybody();
    }
    await arrival;
    return text("Done");
  };
  await withModel([...Array.from({ length: {{ first_tasks }} }, () => meet), text("Done")], async () => {
    answerOf(await eventsOf(HELLO));
  });
});
{{/ at_once }}
{{# distinct }}

test("a task is told what came of those that it waits for", async () => {
  const taskOf = (request: Request) => TASKS.find(({ begins }) => asked(request).includes(begins))!;
  await withModel([(request) => text(`<${taskOf(request).name}>`)], async (requests) => {
    const events = await eventsOf(HELLO);
    for (const request of requests) {
      for (const { name } of TASKS) {
        assert.equal(said(request).includes(`<${name}>`), taskOf(request).before.includes(name));
      }
    }
    for (const name of LAST) {
      assert.ok(answerOf(events).includes(LAST.length === 1 ? `<${name}>` : `## ${name}\n\n<${name}>`));
    }
  });
});
{{/ distinct }}
{{/ parallel }}
{{# router }}

/** What a router says that chooses nobody. */
const NOBODY = [toolCall("transfer_to_nobody_at_all", "{}"), text("I would rather answer")];

test("the agent that is chosen answers", async () => {
  for (const { name, begins, choice } of AGENTS) {
    await withModel([choice, text("Good day")], async (requests) => {
      const events = await eventsOf(HELLO);
      assert.ok(said(requests.at(-1)).includes(begins));
      assert.ok(said(requests.at(-1)).includes("Hello"));
      assert.deepEqual(names(events, "step started"), [name]);
      assert.deepEqual(names(events, "step finished"), [name]);
      assert.equal(answerOf(events), "Good day");
    });
  }
});

test("a choice of nobody is made again, and so is an answer instead of a choice", async () => {
  const { name, choice } = AGENTS[0]!;
  for (const nobody of NOBODY) {
    await withModel([nobody, choice, text("Good day")], async () => {
      const events = await eventsOf(HELLO);
      assert.deepEqual(names(events, "step started"), [name]);
      assert.equal(answerOf(events), "Good day");
    });
  }
});

test("a model that never chooses is stopped", async () => {
  for (const nobody of NOBODY) {
    await withModel([nobody], async (requests) => {
      await assert.rejects(eventsOf(HELLO), (error) => error instanceof ModelError && /no answer within/.test(error.message));
      assert.equal(requests.length, {{ most }});
    });
  }
});
{{/ router }}
{{# supervisor }}

test("a specialist is asked and its answer goes back", async () => {
  for (const { name, begins, ask } of AGENTS) {
    await withModel([ask, text("Found it"), text("Good day")], async (requests) => {
      const events = await eventsOf(HELLO);
      assert.ok(said(requests[1]).includes(begins));
      assert.ok(said(requests[1]).includes({{ request }}));
      assert.ok(outputs(requests.at(-1)).at(-1)?.includes("Found it"));
      assert.deepEqual(names(events, "tool called"), [`ask_${name}`]);
      assert.deepEqual(names(events, "step started"), [name]);
      assert.deepEqual(names(events, "step finished"), [name]);
      assert.equal(answerOf(events), "Good day");
    });
  }
});

test("a supervisor that asks for ever is stopped", async () => {
  const { ask } = AGENTS[0]!;
  const turns = Array.from({ length: {{ most }} }, () => [ask, text("Found it")]).flat();
  await withModel([...turns, ask], async (requests) => {
    await assert.rejects(eventsOf(HELLO), (error) => error instanceof ModelError && /no answer within/.test(error.message));
    assert.equal(requests.length, turns.length);
  });
});
{{/ supervisor }}
{{# handoff }}

test("the conversation goes on with the agent that it is passed on to", async () => {
  for (const { path, transfers } of PATHS) {
    await withModel([...transfers, text("Good day")], async (requests) => {
      const events = await eventsOf(HELLO);
      assert.equal(requests.length, path.length);
      for (const [index, name] of path.entries()) {
        assert.ok(said(requests[index]).includes(BEGINS[name]!));
        assert.ok(said(requests[index]).includes("Hello"));
      }
      assert.deepEqual(names(events, "step started"), path);
      assert.deepEqual(names(events, "step finished"), path);
      assert.equal(answerOf(events), "Good day");
    });
  }
});
{{# circle }}

test("a conversation that is passed round for ever is stopped", async () => {
  const circle = {{ circle_moves }};
  await withModel([...{{ to_circle }}, ...Array.from({ length: 11 }, () => circle).flat()], async (requests) => {
    await assert.rejects(eventsOf(HELLO), (error) => error instanceof ModelError && /passed on more than/.test(error.message));
    assert.equal(requests.length, 11);
  });
});
{{/ circle }}
{{/ handoff }}
{{# graph }}
{{# walks }}

test("the way through the graph follows from the results", async () => {
  for (const walk of WALKS) {
    await withModel(walk.map(({ result }) => text(result)), async (requests) => {
      const events = await eventsOf(HELLO);
      assert.equal(requests.length, walk.length);
      const expected = walk.map(({ name }) => name);
      assert.deepEqual(names(events, "step started"), expected);
      assert.deepEqual(names(events, "step finished"), expected);
      assert.equal(answerOf(events), walk.at(-1)!.result);
    });
  }
});
{{/ walks }}
{{# endless }}

test("a walk that never ends is stopped", async () => {
  const circle = {{ endless_results }};
  const results = [...{{ endless_before }}, ...Array.from({ length: {{ graph_steps }} }, () => circle).flat()];
  await withModel(results.map(text), async (requests) => {
    await assert.rejects(eventsOf(HELLO), (error) => error instanceof ModelError && /no end within/.test(error.message));
    assert.equal(requests.length, {{ graph_steps }});
  });
});
{{/ endless }}
{{/ graph }}

test("a missing setting is named", async () => {
  await withEnvironment({{ no_environment }}, async () => {
    await assert.rejects(eventsOf(HELLO), (error) => error instanceof ConfigurationError && /is not set/.test(error.message));
  });
});

/** The address of the agent's own server while `work` goes on. */
async function withServer(work: (address: string) => Promise<void>): Promise<void> {
  const server = buildServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test("the server says that it is up", async () => {
  await withServer(async (address) => {
    assert.deepEqual(await (await fetch(`${address}/healthz`)).json(), { status: "ok" });
    assert.equal((await fetch(`${address}/somewhere`)).status, 404);
  });
});
{{# ends }}

test("a run is a stream of AG-UI events", async () => {
  const body = JSON.stringify({ threadId: "t", runId: "r", messages: [{ id: "1", ...HELLO[0] }] });
  await withModel({{ script }}, () =>
    withServer(async (address) => {
      const response = await fetch(`${address}/agui`, { method: "POST", body });
      const stream = await response.text();
      const events = stream.split("\n\n").filter(Boolean).map((line) => JSON.parse(line.replace("data: ", "")));
      assert.deepEqual(events[0], { type: "RUN_STARTED", threadId: "t", runId: "r", protocolVersion: "1.0" });
      assert.equal(events.at(-1).type, "RUN_FINISHED", stream);
      assert.ok(events.some(({ type }) => type === "TEXT_MESSAGE_CONTENT"), stream);
    }),
  );
});
{{/ ends }}

test("its card says where other agents reach it", async () => {
  await withServer(async (address) => {
    const card = (await (await fetch(`${address}/.well-known/agent-card.json`)).json()) as Record<string, unknown>;
    const expected = { url: `${address}/a2a`, protocolBinding: "JSONRPC", protocolVersion: "1.0" };
    assert.deepEqual(card["supportedInterfaces"], [expected]);
    for (const required of ["name", "description", "version", "capabilities", "skills"]) {
      assert.ok(required in card, required);
    }
  });
});
{{# ends }}

test("a message of another agent is answered", async () => {
  const message = { messageId: "1", contextId: "c", role: "ROLE_USER", parts: [{ text: "Hello" }] };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 7, method: "SendMessage", params: { message } });
  await withModel({{ script }}, () =>
    withServer(async (address) => {
      const response = JSON.parse(await (await fetch(`${address}/a2a`, { method: "POST", body })).text());
      assert.equal(response.id, 7);
      const { role, contextId, parts } = response.result.message;
      assert.deepEqual([role, contextId], ["ROLE_AGENT", "c"]);
      assert.ok(parts[0].text);
    }),
  );
});
{{/ ends }}

test("what is no message is an error with its code", async () => {
  await withServer(async (address) => {
    const codes = { GetTask: -32001, SendStreamingMessage: -32004, "tasks/send": -32601, SendMessage: -32602 };
    for (const [method, code] of Object.entries(codes)) {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: {} });
      const response = JSON.parse(await (await fetch(`${address}/a2a`, { method: "POST", body })).text());
      assert.equal(response.error.code, code);
    }
  });
});

test("what is no run is refused", async () => {
  await withServer(async (address) => {
    for (const document of [{}, { messages: [] }, { messages: [{ role: "assistant", content: "Hello" }] }]) {
      const response = await fetch(`${address}/agui`, { method: "POST", body: JSON.stringify(document) });
      assert.equal(response.status, 400);
    }
  });
});
