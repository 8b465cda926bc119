// Counterparts on loopback that a test can slow down: a model endpoint, and a way into a registry.
import { createServer, request } from 'node:http';

const listen = (server) =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });

/**
 * An endpoint that speaks OpenAI's chat completions and answers word by word, `wordMilliseconds` apart.
 * `requests` counts what was asked.
 */
export async function slowModel(wordMilliseconds, words = 40) {
  const model = { requests: 0, wordMilliseconds };
  const server = createServer((asked, answer) => {
    asked.resume();
    if (!asked.url.endsWith('/chat/completions')) {
      answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data: [{ id: 'slow', object: 'model' }] }));
      return;
    }
    model.requests += 1;
    const piece = (delta, finish) => `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'slow', choices: [{ index: 0, delta, finish_reason: finish ?? null }] })}\n\n`;
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    answer.write(piece({ role: 'assistant', content: '' }));
    let word = 0;
    const next = () => {
      if (answer.destroyed) return;
      if (word === words) {
        answer.write(piece({}, 'stop'));
        answer.write(`data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'slow', choices: [], usage: { prompt_tokens: 11, completion_tokens: words, total_tokens: 11 + words } })}\n\n`);
        answer.end('data: [DONE]\n\n');
        return;
      }
      answer.write(piece({ content: `word${word} ` }));
      word += 1;
      setTimeout(next, model.wordMilliseconds);
    };
    next();
  });
  const port = await listen(server);
  model.url = `http://127.0.0.1:${port}/v1`;
  model.close = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return model;
}

/**
 * An endpoint that answers chat completions in one body with each text of `replies` in turn, the last one
 * for ever, `milliseconds` after it was asked. `asked` has the bodies, `left` counts who went away before.
 */
export async function answeringModel(replies, milliseconds = 0, usage = undefined) {
  const model = { asked: [], left: 0, replies: [...replies], milliseconds };
  const server = createServer(async (request, answer) => {
    let body = '';
    for await (const piece of request) body += piece;
    const send = (value) => answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (!request.url.endsWith('/chat/completions')) return send({ object: 'list', data: [{ id: 'planner-1', object: 'model' }] });
    model.asked.push(JSON.parse(body));
    const content = model.replies.length > 1 ? model.replies.shift() : model.replies[0];
    const timer = setTimeout(() => send({ object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }], usage }), model.milliseconds);
    answer.on('close', () => {
      if (answer.writableEnded) return;
      clearTimeout(timer);
      model.left += 1;
    });
  });
  const port = await listen(server);
  model.url = `http://127.0.0.1:${port}/v1`;
  model.close = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return model;
}

/**
 * A way into the registry at `target` that passes everything on as it is, but holds back the bytes of
 * uploads for as long as `hold` is true. `uploading` tells when one has begun.
 */
export async function slowRegistry(target) {
  const registry = { hold: true, uploading: false, uploads: 0 };
  const server = createServer((asked, answer) => {
    const isUpload = (asked.method === 'PATCH' || asked.method === 'PUT') && asked.url.includes('/blobs/uploads/');
    const pass = () => {
      const onward = request(`http://${target}${asked.url}`, { method: asked.method, headers: asked.headers }, (response) => {
        answer.writeHead(response.statusCode, response.headers);
        response.pipe(answer);
      });
      onward.on('error', () => answer.destroy());
      asked.on('error', () => onward.destroy());
      asked.pipe(onward);
    };
    if (!isUpload) return pass();
    registry.uploading = true;
    registry.uploads += 1;
    const wait = () => (answer.destroyed ? undefined : registry.hold ? setTimeout(wait, 50) : pass());
    wait();
  });
  const port = await listen(server);
  registry.address = `127.0.0.1:${port}`;
  registry.close = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return registry;
}
