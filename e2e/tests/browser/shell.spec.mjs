// Moving about: palette, chords, themes, signing out, and addresses that come from outside.
import { expect, expectAccessible, settled, signIn, stranger, test } from '../../support/browser.mjs';
import { slowModel } from '../../support/peers.mjs';

test('the palette opens by keyboard, finds by words, goes there, and gives the focus back', async ({ page, gantry }) => {
  await gantry.project('Answer questions about ships.', 'ships');
  await page.goto('/projects');
  await settled(page);
  const opener = page.getByRole('button', { name: /Search/ }).first();
  await opener.focus();
  for (const keys of ['Control+k', 'Control+p']) {
    await page.keyboard.press(keys);
    const box = page.getByRole('dialog').getByRole('combobox');
    await expect(box).toBeFocused();
    await expectAccessible(page, 'the palette');
    await page.keyboard.press('Escape');
    await expect(box).toBeHidden();
    await expect(opener).toBeFocused();
  }
  await page.keyboard.press('Control+k');
  await page.keyboard.type('ships');
  await expect(page.getByRole('option').first()).toContainText('ships');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/projects\/ships$/);
});

test('chords go to the main places and the sheet lists them', async ({ page }) => {
  await page.goto('/projects');
  await settled(page);
  for (const [chord, address] of [['ga', /\/activity$/], ['gs', /\/settings\/providers$/], ['gp', /\/projects$/]]) {
    await page.keyboard.press(chord[0]);
    await page.keyboard.press(chord[1]);
    await expect(page).toHaveURL(address);
  }
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: /shortcut/i });
  await expect(sheet).toBeVisible();
  await expectAccessible(page, 'the sheet of shortcuts');
  await page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
});

test('letters are letters while a field has the focus', async ({ page }) => {
  await page.goto('/projects');
  await settled(page);
  await page.keyboard.press('/');
  const filter = page.getByRole('searchbox', { name: 'Filter projects' });
  await expect(filter).toBeFocused();
  await page.keyboard.type('gac?');
  await expect(filter).toHaveValue('gac?');
  await expect(page).toHaveURL(/\/projects/);
});

test('the theme follows the system', async ({ page }) => {
  await page.goto('/projects');
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(background).not.toBe(light);
});

test('whoever is not signed in is asked to, and comes back to where they wanted to go', async ({ browser, gantry }) => {
  const context = await browser.newContext(stranger(gantry));
  const page = await context.newPage();
  await page.goto('/settings/tokens');
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel('Email').fill('ada@example.org');
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await expectAccessible(page, 'the refused sign-in');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/settings\/tokens$/);
  await context.close();
});

test('the used set-up link is of no use', async ({ browser, gantry }) => {
  const context = await browser.newContext(stranger(gantry));
  const page = await context.newPage();
  await page.goto(gantry.setupLink());
  await expect(page.getByText('set up already')).toBeVisible();
  await expectAccessible(page, 'the used set-up link');
  await context.close();
});

test('the session cookie cannot be read by scripts, and signing out ends it', async ({ browser, gantry }) => {
  const context = await browser.newContext(stranger(gantry));
  const page = await context.newPage();
  await signIn(page);
  const cookies = await context.cookies();
  const session = cookies.find((cookie) => cookie.name.startsWith('__Host-'));
  expect(session).toMatchObject({ httpOnly: true, secure: true, path: '/' });
  expect(['Lax', 'Strict']).toContain(session.sameSite);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login/);
  const answer = await fetch(`${gantry.url}/api/v1/auth/me`, { headers: { cookie: `${session.name}=${session.value}` } });
  expect(answer.status).toBe(401);
  await context.close();
});

test('a page that only watches goes to the sign-in when its login is ended elsewhere', async ({ browser, gantry }) => {
  const model = await slowModel(500, 200);
  const context = await browser.newContext(stranger(gantry));
  const page = await context.newPage();
  await signIn(page);
  try {
    const project = await gantry.project('Answer questions about the moon.', 'watched');
    const provider = await gantry.api('POST', '/providers', { name: 'slow', baseUrl: model.url, defaultModel: 'slow' });
    const session = await gantry.api('POST', `/projects/${project.id}/sessions`, { mode: 'dev', providerId: provider.id });
    const { jobId } = await gantry.api('POST', `/sessions/${session.id}/messages`, { text: 'Hello?' });
    const closed = new Promise((resolve) => page.on('websocket', (socket) => socket.on('close', resolve)));
    await page.goto(`/projects/watched/chat/${session.id}`);
    await expect(page.getByText('word2')).toBeVisible();

    const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    const { csrfToken } = await (await gantry.raw('GET', '/auth/me', undefined, { cookie })).json();
    const ended = await gantry.raw('POST', '/auth/logout', {}, { cookie, 'x-gantry-csrf': csrfToken });
    expect(ended.status).toBe(204);
    await closed;
    await expect(page).toHaveURL(/\/login/, { timeout: 4_000 });
    await gantry.api('POST', `/jobs/${jobId}:cancel`, {});
  } finally {
    await context.close();
    await model.close();
  }
});
