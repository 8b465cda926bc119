// What the tests in a browser share: a server that is set up, a page that is signed in, and the rule
// that no page writes an error to the console.
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect } from '@playwright/test';
import { Gantry, person } from './gantry.mjs';

export { expect };

export const test = base.extend({
  /** A server with an account and a token, for all tests of a file that do not need their own. */
  gantry: [
    async ({}, use) => {
      const gantry = await Gantry.start();
      await gantry.setUp();
      await use(gantry);
      await gantry.stop();
    },
    { scope: 'worker' },
  ],

  /** The cookies of somebody who signed in once. */
  signedIn: [
    async ({ browser, gantry }, use) => {
      const context = await browser.newContext({ baseURL: gantry.url });
      const page = await context.newPage();
      await signIn(page);
      await use(await context.storageState());
      await context.close();
    },
    { scope: 'worker' },
  ],

  storageState: async ({ signedIn }, use) => use(signedIn),
  baseURL: async ({ gantry }, use) => use(gantry.url),

  /** What pages wrote to the console as errors; it must stay empty. */
  problems: [
    async ({ context }, use) => {
      const problems = watchForProblems(context);
      await use(problems);
      expect(problems, 'no errors in the console, no violations of the content security policy').toEqual([]);
    },
    { auto: true },
  ],
});

/** Collects errors of all pages of a context. */
export function watchForProblems(context) {
  const problems = [];
  context.on('console', (message) => {
    // An answer such as 404 is the server's business; the page says what it means.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) problems.push(message.text());
  });
  context.on('weberror', (error) => problems.push(String(error.error())));
  return problems;
}

/** What a context of a story's own begins with, when it is to know nobody: without this it is given the cookies
 * that all stories share, and signing in with them ends the login of the others. */
export const stranger = (gantry) => ({ baseURL: gantry.url, storageState: { cookies: [], origins: [] } });

/** Signs in by the form. */
export async function signIn(page) {
  await page.goto('/login');
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Projects', level: 1 })).toBeVisible();
}

/** No violation of WCAG 2.2 A and AA that axe can find. */
export async function expectAccessible(page, what) {
  const result = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  const found = result.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => `${node.target} ${node.any[0]?.message ?? node.failureSummary ?? ''}`).join(' | ')}`);
  // Soft: one run names what is wrong on all pages.
  expect.soft(found, `axe on ${what}`).toEqual([]);
}

/** Nothing is wider than the window. */
export async function expectNoSidewaysScroll(page, what) {
  const { widest, window: width } = await page.evaluate(() => ({ widest: document.documentElement.scrollWidth, window: innerWidth }));
  expect.soft(widest, `${what} is not wider than the window`).toBeLessThanOrEqual(width);
}

/** Waits until a page has shown what it loads. */
export async function settled(page) {
  await expect(page.locator('[aria-busy="true"], .skeleton').first()).toBeHidden();
  await page.evaluate(() => document.fonts.ready);
}

/** Looks the page over at this moment, in both themes, and keeps pictures of it. */
export async function lookOver(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expectAccessible(page, `${name}, ${colorScheme}`);
    await page.screenshot({ path: `test-results/shots/${name}-${colorScheme}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  const size = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  await expectNoSidewaysScroll(page, `${name} on a phone`);
  await page.screenshot({ path: `test-results/shots/${name}-phone.png`, fullPage: true });
  await page.setViewportSize(size);
}
