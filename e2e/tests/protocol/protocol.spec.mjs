// Agents spoken to by the official clients of other people's protocols: OpenAI's, AG-UI's and the Model
// Context Protocol's. Who answers is the rehearsal model, which is no LLM and says so.
import { HttpAgent } from '@ag-ui/client';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect, test } from '@playwright/test';
import OpenAI from 'openai';
import { Gantry } from '../../support/gantry.mjs';

let gantry;
test.beforeAll(async () => {
  gantry = await Gantry.start();
  await gantry.setUp();
  const { spec } = await gantry.api('POST', '/plans', { prompt: 'An agent that tells the time in a city', constraints: { name: 'clock', framework: 'react', pattern: 'react' } });
  await gantry.api('POST', '/projects', { spec });
});
test.afterAll(() => gantry.stop());

test('the openai client lists agents, asks one, and reads its stream', async () => {
  const client = new OpenAI({ baseURL: `${gantry.url}/v1`, apiKey: gantry.token });
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  expect(models).toEqual(['clock@rehearsal']);
  const messages = [{ role: 'user', content: 'What time is it in Oslo?' }];
  const answer = await client.chat.completions.create({ model: 'clock@rehearsal', messages, metadata: { gantry_mode: 'safe' } });
  expect(answer.choices[0].message.content).toMatch(/rehearsal/i);
  expect(answer.choices[0].finish_reason).toBe('stop');

  const stream = await client.chat.completions.create({ model: 'clock@rehearsal', messages, stream: true, stream_options: { include_usage: true }, metadata: { gantry_mode: 'safe' } });
  let text = '';
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  expect(text).toMatch(/rehearsal/i);
  expect(usage.total_tokens).toBeGreaterThanOrEqual(0);

  await expect(client.chat.completions.create({ model: 'nobody', messages })).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  const stranger = new OpenAI({ baseURL: `${gantry.url}/v1`, apiKey: 'gantry_wrong' });
  await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 });
});

test('an AG-UI client runs an agent', async () => {
  const agent = new HttpAgent({ url: `${gantry.url}/api/v1/agents/clock/agui`, headers: { Authorization: `Bearer ${gantry.token}` }, threadId: 'thread-1' });
  agent.messages = [{ id: '1', role: 'user', content: 'What time is it in Oslo?' }];
  const kinds = [];
  await agent.runAgent(
    { runId: 'run-1', forwardedProps: { gantry: { model: 'rehearsal', mode: 'safe' } } },
    { onEvent: ({ event }) => void kinds.push(event.type) },
  );
  expect(kinds[0]).toBe('RUN_STARTED');
  expect(kinds.at(-1)).toBe('RUN_FINISHED');
  expect(kinds).toContain('TOOL_CALL_RESULT');
  expect(agent.messages.at(-1)).toMatchObject({ role: 'assistant', content: expect.stringMatching(/rehearsal/i) });
});

test('an MCP client plans, creates and runs agents', async () => {
  const transport = new StreamableHTTPClientTransport(new URL(`${gantry.url}/mcp`), { requestInit: { headers: { Authorization: `Bearer ${gantry.token}` } } });
  const client = new Client({ name: 'story', version: '1' });
  await client.connect(transport);
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name)).toEqual(expect.arrayContaining(['plan_agent', 'create_agent', 'run_agent', 'build_agent', 'publish_image', 'agent_clock']));
  const planned = await client.callTool({ name: 'plan_agent', arguments: { prompt: 'An agent that adds numbers', name: 'adder', framework: 'react' } });
  const created = await client.callTool({ name: 'create_agent', arguments: { spec: planned.structuredContent.spec } });
  expect(created.structuredContent.name).toBe('adder');
  const ran = await client.callTool({ name: 'agent_adder', arguments: { input: 'Add 1 and 2', model: 'rehearsal', mode: 'safe' } });
  expect(ran.isError ?? false).toBe(false);
  expect(ran.content[0].text).toMatch(/rehearsal/i);
  expect((await gantry.api('GET', `/runs/${ran.structuredContent.run}`)).state).toBe('done');

  const twice = await client.callTool({ name: 'create_agent', arguments: { spec: planned.structuredContent.spec } });
  expect(twice.isError).toBe(true);
  expect(twice.content[0].text).toContain('project_name_taken');
  const wrong = await client.callTool({ name: 'run_agent', arguments: { agent: 'adder', surprise: true } });
  expect(wrong.isError).toBe(true);
  await client.close();

  const stranger = new Client({ name: 'story', version: '1' });
  await expect(stranger.connect(new StreamableHTTPClientTransport(new URL(`${gantry.url}/mcp`)))).rejects.toThrow();
});

test('an MCP client asks the one agent that a server.json describes, and nothing else', async () => {
  const described = await gantry.api('GET', `/projects/clock/exports/mcp_server?at=${encodeURIComponent(gantry.url)}`);
  const [remote] = described.remotes;
  const [header] = remote.headers;
  expect(remote.type).toBe('streamable-http');
  // As a client does that has read the document and asked its person for the token.
  const headers = { [header.name]: header.value.replace('{token}', gantry.token) };
  const client = new Client({ name: 'story', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(remote.url), { requestInit: { headers } }));
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name)).toEqual(['agent_clock']);
  const ran = await client.callTool({ name: 'agent_clock', arguments: { input: 'What time is it?', model: 'rehearsal', mode: 'safe' } });
  expect(ran.content[0].text).toMatch(/rehearsal/i);
  const other = await client.callTool({ name: 'list_agents', arguments: {} });
  expect(other.isError).toBe(true);
  await client.close();

  const nobody = new Client({ name: 'story', version: '1' });
  await expect(nobody.connect(new StreamableHTTPClientTransport(new URL(remote.url)))).rejects.toThrow();
});

test('the engine alone answers the openai client, and has no other doors', async () => {
  await gantry.kill();
  await gantry.launch(['serve', 'engine']);
  try {
    expect(gantry.log).toContain(`engine listens on ${gantry.url}/v1`);
    const client = new OpenAI({ baseURL: `${gantry.url}/v1`, apiKey: gantry.token });
    const answer = await client.chat.completions.create({ model: 'clock@rehearsal', messages: [{ role: 'user', content: 'What time is it in Oslo?' }], metadata: { gantry_mode: 'safe' } });
    expect(answer.choices[0].message.content).toMatch(/rehearsal/i);
    for (const closed of ['/', '/api/v1/projects', '/mcp', '/.well-known/agent-card.json']) {
      expect((await fetch(`${gantry.url}${closed}`, { headers: { authorization: `Bearer ${gantry.token}` } })).status).toBe(404);
    }
    expect((await gantry.command('healthcheck', '--listen', `127.0.0.1:${gantry.port}`)).code).toBe(0);
  } finally {
    await gantry.kill();
    await gantry.launch();
  }
});
