// The way of a newcomer, as they would walk it: from the set-up link to an image in a registry.
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { test } from '@playwright/test';
import { expect, lookOver, settled, watchForProblems } from '../../support/browser.mjs';
import { Gantry, person, wants } from '../../support/gantry.mjs';

test('from a sentence to a published image', async ({ browser }) => {
  test.setTimeout(300_000);
  // What the agent's tool calls: a service of the newcomer's, on this machine.
  const asked = [];
  const service = createServer((request, answer) => {
    asked.push(request.url);
    answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ temperature: 7, wind: 'fresh breeze' }));
  });
  await new Promise((resolve) => service.listen(0, '127.0.0.1', resolve));
  const gantry = await Gantry.start();
  const context = await browser.newContext({ baseURL: gantry.url });
  const page = await context.newPage();
  const problems = watchForProblems(context);

  try {
    await test.step('the set-up link makes the first account', async () => {
      await page.goto(gantry.setupLink());
      await settled(page);
      await lookOver(page, 'golden-setup');
      await page.getByLabel('Name').fill(person.name);
      await page.getByLabel('Email').fill(person.email);
      await page.getByLabel('Password').fill('short');
      await page.getByRole('button', { name: 'Create account' }).click();
      await expect(page.getByText(/12 characters/).first()).toBeVisible();
      await page.getByLabel('Password').fill(person.password);
      await page.getByRole('button', { name: 'Create account' }).click();
      await expect(page).toHaveURL(/\/projects$/);
      await expect(page.getByText('No projects yet')).toBeVisible();
      await lookOver(page, 'golden-no-projects');
    });

    await test.step('the wizard makes a project of a description', async () => {
      await page.getByRole('link', { name: 'New project' }).first().click();
      await expect(page).toHaveURL(/\/projects\/new/);
      await page.getByLabel('Description').fill(`Answers questions about the weather in a city. It calls GET http://127.0.0.1:${service.address().port}/weather/{city} and reports temperature and wind.`);
      await lookOver(page, 'golden-describe');
      await page.getByRole('button', { name: 'Continue' }).click();
      for (const step of ['framework', 'agents', 'tools']) {
        await expect(page).toHaveURL(new RegExp(`step=${step}`));
        await settled(page);
        await lookOver(page, `golden-${step}`);
        await page.getByRole('button', { name: 'Continue' }).click();
      }
      await expect(page.getByRole('heading', { name: 'Review' })).toBeVisible();
      await page.getByLabel('Name').fill('weather');
      await lookOver(page, 'golden-review');
      await page.getByRole('button', { name: 'Create project' }).click();
      await expect(page).toHaveURL(/\/projects\/weather$/);
      await settled(page);
      await lookOver(page, 'golden-overview');
    });

    await test.step('its files are there', async () => {
      await page.getByRole('link', { name: 'Files' }).click();
      await expect(page).toHaveURL(/\/files/);
      await page.goto('/projects/weather/files/Dockerfile');
      await expect(page.getByText('FROM').first()).toBeVisible();
      await lookOver(page, 'golden-files');
    });

    await test.step('the rehearsal model calls the tool once a person has approved', async () => {
      await page.getByRole('link', { name: 'Chat', exact: true }).click();
      await expect(page.getByRole('combobox', { name: 'Model' })).toContainText('Rehearsal model, not an LLM');
      await page.getByRole('textbox', { name: 'Message' }).fill('How is the weather in Oslo?');
      await page.keyboard.press('Enter');
      const approval = page.getByRole('group', { name: 'Approval needed' });
      await expect(approval).toBeVisible();
      await expect(approval.getByLabel('Arguments')).toHaveValue(/city/);
      expect(asked).toEqual([]);
      await lookOver(page, 'golden-approval');
      await approval.getByRole('button', { name: 'Approve' }).click();
      await expect(approval).toBeHidden();
      // The answer came from the service, through the tool.
      await expect(page.getByRole('region', { name: 'Messages' })).toContainText('fresh breeze');
      expect(asked).toHaveLength(1);
      expect(asked[0]).toMatch(/^\/weather\//);
      await expect(page.getByRole('button', { name: 'Stop' })).toBeHidden();
      await lookOver(page, 'golden-chat');
      await page.reload();
      await expect(page.getByText('How is the weather in Oslo?').first()).toBeVisible();
    });

    if (!wants('docker')) return;
    let digest;
    await test.step('the image is built, with its steps and log', async () => {
      // The overview knows that it was tested, and begins what comes next itself.
      await page.getByRole('link', { name: 'Overview' }).click();
      await settled(page);
      await expect(page.getByRole('region', { name: 'Live' })).toContainText('Nothing yet');
      await page.getByRole('button', { name: 'Build image' }).click();
      await expect(page).toHaveURL(/\/builds\/[0-9a-f-]{36}/);
      digest = await builtDigest(page);
      await expect(page.getByRole('list', { name: 'Steps' }).getByRole('listitem').first()).toBeVisible();
      await settled(page);
      await lookOver(page, 'golden-build');
    });

    if (!wants('registry')) return;
    const address = process.env.GANTRY_TEST_REGISTRY;
    expect(address, 'GANTRY_TEST_REGISTRY is set by scripts/registry.sh env').toBeTruthy();
    await test.step('a registry is connected', async () => {
      await page.goto('/settings/registries');
      await settled(page);
      await page.getByRole('button', { name: 'Add registry' }).first().click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill('local');
      await dialog.getByLabel('Address').fill(address);
      await dialog.getByLabel('Plain HTTP').check();
      await lookOver(page, 'golden-registry');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await expect(dialog).toBeHidden();
      await expect(page.getByText('local').first()).toBeVisible();
    });

    await test.step('the image is published, and anybody can pull it', async () => {
      await page.goto('/projects/weather');
      await settled(page);
      await page.getByRole('button', { name: 'Publish image' }).click();
      const dialog = page.getByRole('dialog', { name: 'Publish the image' });
      const repository = `e2e/golden-${Date.now()}`;
      await dialog.getByLabel('Repository').fill(repository);
      await dialog.getByLabel('Tag').fill('1.0.0');
      await lookOver(page, 'golden-publish');
      await dialog.getByRole('button', { name: 'Publish' }).click();
      await expect(page.getByRole('heading', { name: 'Image', exact: true })).toBeVisible();
      const command = page.getByText(`docker pull ${address}/${repository}@sha256:`);
      await expect(command.first()).toBeVisible({ timeout: 60_000 });
      const shown = (await command.first().textContent()).match(/sha256:[0-9a-f]{64}/)[0];
      expect(shown).toBe(digest);
      const inspected = execFileSync('skopeo', ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${address}/${repository}:1.0.0`], { encoding: 'utf8' });
      expect(inspected.trim()).toBe(shown);
      await settled(page);
      await lookOver(page, 'golden-image');
      await page.goto('/projects/weather');
      await settled(page);
      const live = page.getByRole('region', { name: 'Live' });
      await expect(live).toContainText(`${address}/${repository}:1.0.0`);
      await expect(live).toContainText(`docker pull ${address}/${repository}@${digest}`);
      await expect(page.getByText('Published, and nothing has changed since.')).toBeVisible();
      await lookOver(page, 'golden-published');
      await page.goto('/activity');
      await settled(page);
      await lookOver(page, 'golden-activity');
    });
    expect(problems, 'no errors in the console, no violations of the content security policy').toEqual([]);
  } finally {
    await context.close();
    await gantry.stop();
    service.closeAllConnections();
    service.close();
  }
});

/** Waits on the page until the build is done and returns the digest that it links to. */
async function builtDigest(page) {
  const link = page.locator('a[href*="/images/sha256:"]').first();
  await expect(link).toBeVisible({ timeout: 120_000 });
  return (await link.getAttribute('href')).match(/sha256:[0-9a-f]{64}/)[0];
}
