// The tools of an MCP server: asked for in the wizard, chosen, and in the project.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, lookOver, settled, test } from '../../support/browser.mjs';

const script = fileURLToPath(new URL('../../../server/tests/it/fixtures/mcp_server.py', import.meta.url));

test('a server is asked for its tools, and those that are chosen are in the project', async ({ page, gantry }) => {
  test.setTimeout(120_000);
  await page.goto('/projects/new');
  await settled(page);
  await page.getByRole('textbox').first().fill('An agent that says things back.');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.goto('/projects/new?step=tools');
  await page.getByRole('button', { name: 'Tools of an MCP server' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Command').fill('/no/such/program');
  await dialog.getByRole('button', { name: 'List its tools' }).click();
  await expect(dialog.getByRole('alert').filter({ hasText: 'cannot be started' })).toBeVisible();
  await lookOver(page, 'mcp-refused');

  await dialog.getByLabel('Command').fill(`python3\n${script}`);
  await dialog.getByRole('button', { name: 'List its tools' }).click();
  await expect(dialog.getByText('offers 8 tools')).toBeVisible();
  await expect(dialog.getByRole('checkbox')).toHaveCount(8);
  await expect(dialog.getByText('Says it only reads')).toHaveCount(1);
  await dialog.getByRole('checkbox', { name: /echo/ }).check();
  await dialog.getByRole('checkbox', { name: /environment/ }).check();
  await lookOver(page, 'mcp-tools');
  await dialog.getByRole('button', { name: 'Add 2 tools' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('button', { name: 'Change echo' })).toBeVisible();

  // An agent that had no tools had a pattern without them; the check says so and offers the other one.
  await page.getByRole('button', { name: 'Use the pattern react' }).click();
  await page.goto('/projects/new?step=review');
  await page.getByLabel('Name').fill('says-back');
  await page.getByRole('button', { name: 'Create project' }).click();
  await expect(page).toHaveURL(/\/projects\/says-back$/);
  const project = await gantry.api('GET', '/projects/says-back');
  const tools = project.spec.tools.map((tool) => [tool.id, tool.kind, tool.tool, tool.effect]);
  expect(tools).toEqual(expect.arrayContaining([['echo', 'mcp', 'echo', 'exec'], ['environment', 'mcp', 'environment', 'exec']]));
});

test('a server at an address is asked with a header whose value is a secret', async ({ page, gantry }) => {
  test.setTimeout(120_000);
  const value = 'Bearer mcp-canary-browser';
  const server = spawn('python3', [script, '--http'], { env: { ...process.env, MCP_AUTHORIZATION: value }, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [address] = await once(createInterface({ input: server.stdout }), 'line');
    const { hostname, port } = new URL(address);
    await gantry.api('POST', '/secrets', { name: `tools/${hostname}/${port}/LIBRARY_KEY`, value });
    await page.goto('/projects/new');
    await settled(page);
    await page.getByRole('textbox').first().fill('An agent that says things back over HTTP.');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.goto('/projects/new?step=tools');
    await page.getByRole('button', { name: 'Tools of an MCP server' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('The server is').selectOption('address');
    await dialog.getByLabel('Address').fill(`${address}/mcp`);
    await dialog.getByRole('button', { name: 'List its tools' }).click();
    await expect(dialog.getByRole('alert').filter({ hasText: 'name a header' })).toBeVisible();
    await dialog.getByLabel('Headers').fill('Authorization: LIBRARY_KEY');
    await expect(dialog.getByText(`the secret tools/${hostname}/${port}/LIBRARY_KEY`)).toBeVisible();
    await dialog.getByRole('button', { name: 'List its tools' }).click();
    await expect(dialog.getByText('offers 8 tools')).toBeVisible();
    await dialog.getByRole('checkbox', { name: /echo/ }).check();
    await lookOver(page, 'mcp-at-an-address');
    await dialog.getByRole('button', { name: 'Add 1 tool' }).click();
    await expect(dialog).toBeHidden();

    await page.getByRole('button', { name: 'Use the pattern react' }).click();
    await page.goto('/projects/new?step=review');
    await page.getByLabel('Name').fill('says-back-over-http');
    await page.getByRole('button', { name: 'Create project' }).click();
    await expect(page).toHaveURL(/\/projects\/says-back-over-http$/);
    const project = await gantry.api('GET', '/projects/says-back-over-http');
    expect(project.spec.tools).toContainEqual(
      expect.objectContaining({ kind: 'mcp', url: `${address}/mcp`, headers: { Authorization: 'LIBRARY_KEY' }, tool: 'echo', effect: 'network' }),
    );
  } finally {
    server.kill();
  }
});
