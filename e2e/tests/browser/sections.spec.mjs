// The interface comes in pieces: the first visit loads one of them, pages bring theirs, and one that
// does not come is not the end.
import { expect, expectAccessible, settled, stranger, test } from '../../support/browser.mjs';

/** The modules that a page asks the server for, by name. */
function modulesOf(page) {
  const names = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.endsWith('.wasm')) names.push(pathname.split('/').pop());
  });
  return names;
}

test('the first visit loads one module, and a page brings what it needs once', async ({ page, gantry }) => {
  await gantry.project('Answer questions about reefs.', 'reefs');
  const modules = modulesOf(page);
  await page.goto('/projects');
  await expect(page.getByRole('link', { name: 'reefs' })).toBeVisible();
  expect(modules).toEqual(['app.wasm']);
  await page.getByRole('link', { name: 'reefs' }).click();
  await expect(page.getByRole('heading', { name: 'reefs', level: 1 })).toBeVisible();
  await settled(page);
  expect(modules).toContain('split_project.wasm');
  expect(modules).not.toContain('split_studio.wasm');
  const before = modules.length;
  await page.getByRole('link', { name: 'Builds' }).click();
  await expect(page).toHaveURL(/builds$/);
  await settled(page);
  expect(modules.slice(before), 'pages of the same section load nothing').toEqual([]);
});

test('a page that is opened by its address has its modules asked for while the start is loaded', async ({ page, gantry }) => {
  await gantry.project('Answer questions about tides.', 'tides');
  const modules = modulesOf(page);
  await page.goto('/projects/tides/chat');
  await expect(page.getByRole('heading', { name: 'tides', level: 1 })).toBeVisible();
  await settled(page);
  expect(modules).toContain('split_chat.wasm');
  const links = await page.locator('link[rel=preload][as=fetch]').evaluateAll((all) => all.map((link) => link.href.split('/').pop()));
  expect(links.toSorted(), 'boot.js knew them all').toEqual([...new Set(modules)].toSorted());
});

test('a section that does not come says so, and comes when it is asked for again', async ({ browser, gantry, signedIn }) => {
  const context = await browser.newContext({ baseURL: gantry.url, storageState: signedIn });
  const page = await context.newPage();
  await context.route('**/split_instance.wasm', (route) => route.abort());
  await page.goto('/projects');
  await settled(page);
  await page.getByRole('link', { name: 'Activity' }).click();
  const notice = page.getByRole('alert').filter({ hasText: 'could not be loaded' });
  await expect(notice).toBeVisible();
  await expectAccessible(page, 'a section that did not come');
  await page.screenshot({ path: 'test-results/shots/section-missing.png' });
  await notice.getByRole('button', { name: 'Retry' }).click();
  await expect(notice).toBeVisible();
  await page.getByRole('link', { name: 'Projects' }).first().click();
  await expect(page.getByRole('heading', { name: 'Projects', level: 1 })).toBeVisible();
  await page.getByRole('link', { name: 'Activity' }).click();
  await context.unroute('**/split_instance.wasm');
  await notice.getByRole('button', { name: 'Retry' }).click();
  await expect(page.getByRole('heading', { name: 'Activity', level: 1 })).toBeVisible();
  await expect(notice).toBeHidden();
  await context.close();
});

test('a start that does not come says so', async ({ browser, gantry }) => {
  const context = await browser.newContext(stranger(gantry));
  const page = await context.newPage();
  await context.route('**/app.wasm', (route) => route.abort());
  await page.goto('/projects');
  await expect(page.getByRole('alert')).toContainText('could not be started');
  await expectAccessible(page, 'a start that did not come');
  await page.screenshot({ path: 'test-results/shots/start-missing.png' });
  await context.unroute('**/app.wasm');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByLabel('Password')).toBeVisible();
  await context.close();
});
