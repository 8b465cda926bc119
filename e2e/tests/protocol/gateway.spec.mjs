// The gateway asked by OpenAI's official client, with a model behind it that speaks Anthropic's Messages: a
// double on loopback. The client sees OpenAI's wire, whole and streamed, and neither key nor address.
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import OpenAI from 'openai';
import { Gantry, eventually, freePort } from '../../support/gantry.mjs';

const key = 'sk-ant-canary-0123456789';
const token = 'gantry_run_story';

/** A double of Anthropic's Messages: calls a tool, and says what came of it; holds the line when told to. */
async function double() {
  const asked = [];
  const server = createServer(async (request, answer) => {
    let body = '';
    for await (const piece of request) body += piece;
    const wanted = JSON.parse(body);
    if (body.includes('Hold the line')) return;
    asked.push({ headers: request.headers, body: wanted });
    if (request.headers['x-api-key'] !== key || !(wanted.max_tokens > 0)) {
      answer.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: 'max_tokens: Field required' } }));
      return;
    }
    const result = wanted.messages.at(-1).content.find((block) => block.type === 'tool_result');
    const block = result ? { type: 'text', text: `It is ${result.content}.` } : { type: 'tool_use', id: `toolu_${asked.length}`, name: 'add', input: { a: 1, b: 2 } };
    const stop_reason = result ? 'end_turn' : 'tool_use';
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: wanted.model, content: [], stop_reason: null, usage: { input_tokens: 7, output_tokens: 1 } };
    if (!wanted.stream) {
      answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...message, content: [block], stop_reason, usage: { input_tokens: 7, output_tokens: 5 } }));
      return;
    }
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = (value) => answer.write(`event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`);
    event({ type: 'message_start', message });
    event({ type: 'content_block_start', index: 0, content_block: result ? { type: 'text', text: '' } : { ...block, input: {} } });
    const pieces = (result ? block.text : JSON.stringify(block.input)).match(/.{1,4}/g);
    for (const piece of pieces) event({ type: 'content_block_delta', index: 0, delta: result ? { type: 'text_delta', text: piece } : { type: 'input_json_delta', partial_json: piece } });
    event({ type: 'content_block_stop', index: 0 });
    event({ type: 'message_delta', delta: { stop_reason }, usage: { output_tokens: 5 } });
    event({ type: 'message_stop' });
    answer.end();
  });
  const port = await freePort();
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { asked, url: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())) };
}

/** Opens the gateway for a native run that is under way, as the server does for one in a container. */
function openGateway(gantry, run) {
  const program = `
import hashlib, sqlite3, sys, uuid
database, run, token = sys.argv[1:]
db = sqlite3.connect(database, timeout=10)
db.execute("INSERT INTO gateway_access (run_id, token_hash, attempt, opened_at, expires_at) "
           "SELECT run.id, ?, job.attempt, run.created_at, 9000000000000000 FROM run JOIN job ON job.id = run.job_id WHERE run.id = ?",
           (hashlib.sha256(token.encode()).digest(), uuid.UUID(run).bytes))
db.commit()`;
  execFileSync('python3', ['-c', program, join(gantry.data, 'gantry.db'), run, token]);
}

test('the openai client asks a model of another wire through the gateway, calls a tool, and reads streams', async () => {
  const gantry = await Gantry.start();
  const model = await double();
  try {
    await gantry.setUp();
    const { spec } = await gantry.api('POST', '/plans', { prompt: 'An agent that adds numbers', constraints: { name: 'adder', framework: 'react', pattern: 'react' } });
    const project = await gantry.api('POST', '/projects', { spec });
    const provider = await gantry.api('POST', '/providers', { name: 'claude', kind: 'anthropic', baseUrl: model.url, defaultModel: 'claude-double', key });
    const run = await gantry.api('POST', `/projects/${project.id}/runs`, { input: 'Hold the line.', mode: 'dev', providerId: provider.id });
    await eventually('the run to be under way', async () => (await gantry.api('GET', `/runs/${run.id}`)).state === 'running');
    openGateway(gantry, run.id);

    const client = new OpenAI({ baseURL: `${gantry.url}/gateway/v1`, apiKey: token });
    expect((await client.models.list()).data.map((entry) => entry.id)).toEqual(['claude-double']);
    const tools = [{ type: 'function', function: { name: 'add', description: 'Adds.', parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } } } }];
    const messages = [{ role: 'system', content: 'Be exact.' }, { role: 'user', content: 'Add 1 and 2.' }];
    const first = await client.chat.completions.create({ model: 'whatever', messages, tools });
    expect(first.choices[0].finish_reason).toBe('tool_calls');
    const [call] = first.choices[0].message.tool_calls;
    expect([call.function.name, JSON.parse(call.function.arguments)]).toEqual(['add', { a: 1, b: 2 }]);
    expect(first.usage.total_tokens).toBe(12);
    messages.push(first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '3' });

    // The client's own helper puts a stream together, and checks that it is whole.
    const stream = client.chat.completions.stream({ model: 'whatever', messages, tools, stream_options: { include_usage: true } });
    let pieces = 0;
    stream.on('content', () => (pieces += 1));
    const last = await stream.finalChatCompletion();
    expect(last.choices[0].message.content).toBe('It is 3.');
    expect(last.usage.prompt_tokens).toBe(7);
    expect(pieces).toBeGreaterThan(1);
    const calling = await client.chat.completions.stream({ model: 'whatever', messages: messages.slice(0, 2), tools }).finalChatCompletion();
    expect(JSON.parse(calling.choices[0].message.tool_calls[0].function.arguments)).toEqual({ a: 1, b: 2 });

    // The same model, asked by the Responses API, which its endpoint does not have.
    const responseTools = [{ type: 'function', name: 'add', description: 'Adds.', strict: false, parameters: tools[0].function.parameters }];
    const response = await client.responses.create({ model: 'whatever', input: 'Add 1 and 2.', tools: responseTools });
    const asked = response.output.at(-1);
    expect([asked.type, asked.name, JSON.parse(asked.arguments)]).toEqual(['function_call', 'add', { a: 1, b: 2 }]);
    const input = [{ role: 'user', content: 'Add 1 and 2.' }, ...response.output, { type: 'function_call_output', call_id: asked.call_id, output: '3' }];
    const answered = await client.responses.stream({ model: 'whatever', input, tools: responseTools }).finalResponse();
    expect([answered.output_text, answered.usage.total_tokens]).toEqual(['It is 3.', 12]);
    await expect(client.embeddings.create({ model: 'whatever', input: 'Hi' })).rejects.toMatchObject({ status: 400, code: 'model_request_unsupported' });
    const stranger = new OpenAI({ baseURL: `${gantry.url}/gateway/v1`, apiKey: gantry.token });
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401, code: 'gateway_token_invalid' });

    expect(model.asked[0].body).toMatchObject({ model: 'claude-double', system: 'Be exact.', tools: [{ name: 'add', input_schema: { type: 'object' } }] });
    expect(model.asked.every(({ headers }) => !JSON.stringify(headers).includes(token))).toBe(true);
    expect(JSON.stringify([first, last, calling])).not.toContain(key);
    await gantry.api('POST', `/runs/${run.id}:cancel`).catch(() => undefined);
  } finally {
    await model.close();
    await gantry.stop();
  }
});
