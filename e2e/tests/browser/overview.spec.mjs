// The overview: what comes next begins there, and a project gets another name there.
import { readFileSync } from 'node:fs';
import { expect, expectAccessible, lookOver, settled, test } from '../../support/browser.mjs';

test('the next step of a new project is a first message, and it is sent from the overview', async ({ page, gantry }) => {
  await gantry.project('Answer questions about rivers.', 'rivers');
  await page.goto('/projects/rivers');
  await settled(page);
  await expect(page.getByRole('region', { name: 'Live' })).toContainText('Nothing yet');
  await page.getByRole('button', { name: 'Test the agent' }).click();
  const dialog = page.getByRole('dialog', { name: 'Test the agent' });
  await expect(dialog.getByLabel('Message')).toBeFocused();
  await expect(dialog.getByRole('button', { name: 'Send' })).toBeDisabled();
  await dialog.getByLabel('Message').fill('How long is the Glomma?');
  await lookOver(page, 'overview-test');
  await page.keyboard.press('Control+Enter');
  await expect(page).toHaveURL(/\/projects\/rivers\/chat\/[0-9a-f-]{36}$/);
  await expect(page.getByRole('region', { name: 'Messages' })).toContainText('How long is the Glomma?');
});

test('a build begins at once, and a failed one is offered again with the way to why', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about ponds.', 'ponds');
  await page.goto('/projects/ponds');
  await settled(page);
  await page.getByRole('button', { name: 'Build without a test' }).click();
  await expect(page).toHaveURL(/\/projects\/ponds\/builds\/[0-9a-f-]{36}$/);
  const [build] = (await gantry.api('GET', `/projects/${project.id}/builds`)).items;
  await gantry.api('POST', `/builds/${build.id}:cancel`);
  await gantry.ended(build.jobId);
});

test('E edits the title: of the project, of the chat that is open', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about lakes.', 'lakes');
  const chat = await gantry.api('POST', `/projects/${project.id}/sessions`, { title: 'First' });
  await page.goto(`/projects/lakes/chat/${chat.id}`);
  await settled(page);
  await expect(page.getByRole('heading', { name: 'First' })).toBeVisible();
  await page.getByRole('heading', { name: 'First' }).click();
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('e');
  await page.getByRole('dialog', { name: 'Rename chat' }).getByLabel('Title').fill('Second');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Second' })).toBeVisible();

  await page.goto('/projects/lakes/builds');
  await expect(page.getByRole('heading', { name: 'No builds' })).toBeVisible();
  await page.keyboard.press('e');
  const dialog = page.getByRole('dialog', { name: 'Rename project' });
  await dialog.getByLabel('Name').fill('Not A Name');
  await expect(dialog.getByRole('alert').first()).not.toBeEmpty();
  await expectAccessible(page, 'renaming a project');
  await dialog.getByLabel('Name').fill('great-lakes');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/projects\/great-lakes\/builds$/);
  await expect(page.getByRole('heading', { name: 'great-lakes', level: 1 })).toBeVisible();
});

test('a page from before an upgrade says so, and reloading mends it', async ({ page }) => {
  await page.goto('/projects');
  await settled(page);
  await expect(page.getByText('Gantry was upgraded.')).toBeHidden();
  await page.route('**/api/v1/**', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), 'x-gantry-build': 'of-another-day' } });
  });
  await page.getByRole('link', { name: 'Activity' }).click();
  await expect(page.getByText('Gantry was upgraded.')).toBeVisible();
  await expectAccessible(page, 'the notice of an upgrade');
  await page.unroute('**/api/v1/**');
  await page.getByRole('button', { name: 'Reload' }).click();
  await settled(page);
  await expect(page.getByText('Gantry was upgraded.')).toBeHidden();
});

test('a project is exported in the format that is chosen, and what stands against one is said', async ({ page, gantry }) => {
  await gantry.project('Answer questions about lanterns.', 'lanterns');
  await page.goto('/projects/lanterns');
  await settled(page);
  await page.getByRole('button', { name: 'Export' }).click();
  const dialog = page.getByRole('dialog', { name: 'Export the project' });
  const saved = async (format) => {
    await dialog.getByLabel('Format').selectOption(format);
    const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByText('Download', { exact: true }).click()]);
    return download;
  };
  await dialog.getByLabel('Format').selectOption('kagent');
  await dialog.getByRole('button', { name: 'Download' }).click();
  await expect(dialog.getByText('none of this project was published yet')).toBeVisible();
  await dialog.getByLabel('Format').selectOption('mcp_server');
  await expect(dialog.getByLabel('Address of this Gantry')).toHaveValue(gantry.url);
  await lookOver(page, 'export-mcp-server');
  const described = await saved('mcp_server');
  expect(described.suggestedFilename()).toBe('lanterns.server.json');
  const document = JSON.parse(readFileSync(await described.path(), 'utf8'));
  expect(document.remotes[0].url).toBe(`${gantry.url}/mcp/lanterns`);

  await page.getByRole('button', { name: 'Export' }).click();
  const archive = await saved('zip');
  expect(archive.suggestedFilename()).toBe('lanterns.zip');
});
