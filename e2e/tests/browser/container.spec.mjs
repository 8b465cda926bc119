// The second runtime: what was generated answers out of its image, in the same chat and on the same pages.
import { expect, lookOver, settled, test } from '../../support/browser.mjs';
import { wants } from '../../support/gantry.mjs';

test('a project is built, and answers from its container under the same eyes', async ({ page, gantry }) => {
  test.skip(!wants('docker'), 'GANTRY_TEST_SKIP names docker');
  test.setTimeout(180_000);
  const project = await gantry.project('Compute what people ask for.', 'boxed-sums');
  await page.goto('/projects/boxed-sums/chat');
  await settled(page);
  const runtime = page.getByRole('combobox', { name: 'Runtime' });
  await expect(runtime.getByRole('option', { name: 'Container: build the project first' })).toBeDisabled();

  const built = await gantry.api('POST', `/projects/${project.id}/builds`, {});
  await gantry.ended(built.jobId);
  await page.reload();
  await settled(page);
  await runtime.selectOption({ label: 'Container: build 1' });
  await page.getByRole('textbox', { name: 'Message' }).fill('What is 6 * 7?');
  await page.keyboard.press('Enter');
  // The project's own tool has worked, in there; what only reads needs nobody's approval.
  await expect(page.getByRole('region', { name: 'Messages' })).toContainText('answered: 42', { timeout: 60_000 });
  await expect(page.getByRole('button', { name: 'Stop' })).toBeHidden({ timeout: 60_000 });
  await lookOver(page, 'container-chat');
  const { items } = await gantry.api('GET', `/projects/${project.id}/runs`);
  expect(items.map((run) => [run.runtime, run.state])).toEqual([['container', 'done']]);
  await page.goto(`/projects/boxed-sums/runs/${items[0].id}`);
  await settled(page);
  await expect(page.getByText(/in a container/).first()).toBeVisible();
  await lookOver(page, 'container-run');
});
