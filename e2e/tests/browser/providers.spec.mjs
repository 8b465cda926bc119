// The page of the model providers: a kind is chosen, its form asks for what that kind needs, its test says
// what is the matter, and an OllaBridge is paired by a code. Behind the endpoints are doubles on loopback.
import { createServer } from 'node:http';
import { freePort } from '../../support/gantry.mjs';
import { expect, test } from '../../support/browser.mjs';

async function served(answer) {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const { status = 200, value } = answer(request, body && JSON.parse(body));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  });
  const port = await freePort();
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())) };
}

/** A double of Anthropic's Messages. */
const anthropic = (key) =>
  served((request, body) => {
    const refused = (status, type, message) => ({ status, value: { type: 'error', error: { type, message } } });
    if (request.headers['x-api-key'] !== key) return refused(401, 'authentication_error', 'invalid x-api-key');
    if (request.url.startsWith('/v1/models')) return { value: { data: [{ id: 'claude-double', type: 'model' }] } };
    if (request.url !== '/v1/messages') return refused(404, 'not_found_error', 'Not found');
    if (body.model !== 'claude-double') return refused(404, 'not_found_error', `model: ${body.model}`);
    return { value: { id: 'msg_1', type: 'message', role: 'assistant', model: body.model, content: [{ type: 'text', text: 'yes' }], stop_reason: 'end_turn', usage: { input_tokens: 3, output_tokens: 1 } } };
  });

/** A double of OllaBridge's local gateway in pairing mode, which shows the code 078-524. */
const ollabridge = () => {
  const tokens = new Set();
  return served((request, body) => {
    if (request.url === '/pair') {
      if (body.code !== '078524') return { status: 401, value: { detail: 'Invalid or expired pairing code' } };
      tokens.add('mtx_story');
      return { value: { ok: true, device_id: 'dev-story', token: 'mtx_story' } };
    }
    if (request.url === '/pair/revoke') return { value: { ok: tokens.delete('mtx_story') } };
    if (request.url.startsWith('/v1/') && !tokens.has((request.headers.authorization ?? '').slice(7))) return { status: 401, value: { detail: 'Invalid or missing API key' } };
    if (request.url === '/v1/models') return { value: { object: 'list', data: [{ id: 'llama', object: 'model' }] } };
    if (request.url === '/v1/chat/completions') return { value: { object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'yes' } }] } };
    return { status: 404, value: { detail: 'Not Found' } };
  });
};

test('a provider of a kind is added, tested, and mended by what its test says', async ({ page }) => {
  const key = 'sk-ant-canary-0123456789';
  const model = await anthropic(key);
  const name = `claude-${Date.now()}`;
  try {
    await page.goto('/settings/providers');
    await expect(page.getByRole('heading', { name: 'Enterprise' })).toBeVisible();
    await page.getByRole('button', { name: 'Add provider' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Kind').selectOption({ label: 'Azure OpenAI (enterprise)' });
    await expect(form.getByLabel('API version')).toBeVisible();
    await expect(form.getByLabel('Default deployment')).toBeVisible();
    await form.getByLabel('Kind').selectOption({ label: 'Anthropic (cloud)' });
    await expect(form.getByLabel('API version')).toHaveCount(0);
    await form.getByLabel('Name').fill(name);
    await form.getByLabel('Address').fill(`${model.url}/api`);
    await form.getByLabel('Default model').fill('claude-double');
    await form.getByLabel('Key', { exact: true }).selectOption({ label: 'Enter it here' });
    await form.getByLabel('New key').fill(key);
    await form.getByRole('button', { name: 'Save' }).click();

    const row = page.getByRole('region', { name: 'Cloud' }).getByRole('listitem').filter({ hasText: name });
    await row.getByRole('button', { name: `Test ${name}` }).click();
    await expect(row.getByText('path_wrong')).toBeVisible();
    await row.getByRole('button', { name: `Use ${model.url}` }).click();
    await expect(row.getByText(`${model.url}/api`)).toHaveCount(0);
    await row.getByRole('button', { name: `Test ${name}` }).click();
    await expect(row.getByText('Works', { exact: true })).toBeVisible();
    await expect(row.getByText('claude-double, the one model of its list')).toBeVisible();
    await expect(page.locator('body')).not.toContainText(key);
  } finally {
    await model.close();
  }
});

test('an OllaBridge is paired by a code and unpaired', async ({ page }) => {
  const bridge = await ollabridge();
  const name = `bridge-${Date.now()}`;
  try {
    await page.goto('/settings/providers');
    await page.getByRole('button', { name: 'Add provider' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Kind').selectOption({ label: 'OllaBridge (local)' });
    await form.getByLabel('Name').fill(name);
    await form.getByLabel('Address').fill(bridge.url);
    await form.getByLabel('Default model').fill('llama');
    await form.getByRole('button', { name: 'Save' }).click();

    const row = page.getByRole('region', { name: 'Local' }).getByRole('listitem').filter({ hasText: name });
    await expect(row.getByText('No key yet')).toBeVisible();
    await row.getByRole('button', { name: `Pair ${name}` }).click();
    const pairing = page.getByRole('dialog', { name: `Pair ${name}` });
    await pairing.getByLabel('Code').fill('111-111');
    await pairing.getByRole('button', { name: 'Pair' }).click();
    await expect(pairing.getByText('OllaBridge refused the code')).toBeVisible();
    await pairing.getByLabel('Code').fill('078-524');
    await pairing.getByRole('button', { name: 'Pair' }).click();
    await expect(row.getByText('dev-story')).toBeVisible();
    await row.getByRole('button', { name: `Test ${name}` }).click();
    await expect(row.getByText('Works', { exact: true })).toBeVisible();
    await row.getByRole('button', { name: `Unpair ${name}` }).click();
    await page.getByRole('dialog', { name: `Unpair ${name}?` }).getByRole('button', { name: 'Unpair' }).click();
    await expect(row.getByText('No key yet')).toBeVisible();
  } finally {
    await bridge.close();
  }
});
