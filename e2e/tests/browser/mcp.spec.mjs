// The tools of an MCP server: asked for in the wizard, chosen, and in the project.
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
