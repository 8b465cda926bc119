// Lists: read page by page, narrowed down, and found again through the palette.
import { expect, expectAccessible, lookOver, settled, test } from '../../support/browser.mjs';

test('a long list says that there is more, and loads it', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about bells.', 'bells');
  for (let number = 1; number <= 53; number += 1) {
    await gantry.api('POST', `/projects/${project.id}/sessions`, { title: `Chat ${number}` });
  }
  await page.goto('/projects/bells/chat');
  await settled(page);
  const chats = page.getByRole('region', { name: 'Chats', exact: true });
  await expect(chats.getByRole('listitem')).toHaveCount(50);
  await expect(chats.getByText('50 chats shown')).toBeVisible();
  await lookOver(page, 'long-list');
  await chats.getByRole('button', { name: 'Load more' }).click();
  await expect(chats.getByRole('listitem')).toHaveCount(53);
  await expect(chats.getByText('All 53 chats are shown.')).toBeVisible();
  await expect(chats.getByRole('button', { name: 'Load more' })).toBeHidden();
  await expect(chats.getByRole('link', { name: /^Chat 1 / })).toBeVisible();
});

test('a page that cannot be loaded is said, and asked for again', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about lamps.', 'lamps');
  for (let number = 1; number <= 51; number += 1) await gantry.api('POST', `/projects/${project.id}/sessions`, { title: `Chat ${number}` });
  await page.goto('/projects/lamps/chat');
  await settled(page);
  const chats = page.getByRole('region', { name: 'Chats', exact: true });
  await page.route('**/sessions?*cursor=*', (route) => route.abort());
  await chats.getByRole('button', { name: 'Load more' }).click();
  await expect(chats.getByText('Not up to date.')).toBeVisible();
  await expect(chats.getByRole('listitem')).toHaveCount(50);
  await page.unroute('**/sessions?*cursor=*');
  await chats.getByRole('button', { name: 'Load more' }).click();
  await expect(chats.getByRole('listitem')).toHaveCount(51);
  await expect(chats.getByText('Not up to date.')).toBeHidden();
});

test('projects are narrowed down by state, and the address says how', async ({ page, gantry }) => {
  await gantry.project('Answer questions about idle things.', 'idle-one');
  const tested = await gantry.project('Answer questions about failing things.', 'failing-one');
  await gantry.api('POST', '/providers', { name: 'nowhere', baseUrl: 'http://127.0.0.1:9/v1', defaultModel: 'none' }).then(async (provider) => {
    const run = await gantry.api('POST', `/projects/${tested.id}/runs`, { input: 'Hello', mode: 'safe', providerId: provider.id });
    expect((await gantry.ended(run.jobId, 60)).state).toBe('failed');
  });
  await page.goto('/projects');
  await settled(page);
  const states = page.getByRole('navigation', { name: 'State' });
  await states.getByRole('link', { name: 'Failed' }).click();
  await expect(page).toHaveURL(/[?]state=failed$/);
  await expect(page.getByRole('link', { name: 'failing-one' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'idle-one' })).toBeHidden();
  await lookOver(page, 'projects-failed');
  await page.goto('/projects?state=published&q=idle');
  await expect(page.getByText('No project whose name contains "idle" was published yet.')).toBeVisible();
  await page.goto('/projects?state=unpublished');
  await expect(page.getByRole('link', { name: 'idle-one' })).toBeVisible();
});

test('in the palette # finds builds and @ what somebody started', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about trains.', 'trains');
  const run = await gantry.api('POST', `/projects/${project.id}/runs`, { input: 'When does it leave?', mode: 'dev' });
  await gantry.ended(run.jobId);
  const build = await gantry.api('POST', `/projects/${project.id}/builds`, {});
  await gantry.api('POST', `/builds/${build.id}:cancel`);
  await page.goto('/projects/trains');
  await expect(page.getByRole('region', { name: 'Live' })).toBeVisible();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('#1');
  await expect(page.getByRole('option', { name: /trains #1/ })).toBeVisible();
  await expectAccessible(page, 'the palette with builds');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/projects/trains/builds/${build.id}$`));
  await expect(page.getByRole('heading', { name: 'Build #1' })).toBeVisible();

  await page.keyboard.press('Control+k');
  await page.keyboard.type('@e2e');
  await page.getByRole('option', { name: /e2e/ }).click();
  await expect(page).toHaveURL(/[?]by=e2e$/);
  await expect(page.getByRole('link', { name: /Run trains/ }).first()).toBeVisible();
  await lookOver(page, 'activity-by');
  await page.getByRole('link', { name: /show everybody/ }).click();
  await expect(page).toHaveURL(/\/activity$/);
});
