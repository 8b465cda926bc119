// The third runtime: what was generated at work as a plain process, where that is allowed, with the same approvals.
import { expect, lookOver, settled, test as base } from '../../support/browser.mjs';
import { Gantry, wants } from '../../support/gantry.mjs';

const test = base.extend({
  /** A server whose operator allows it. */
  gantry: [
    async ({}, use) => {
      const gantry = await Gantry.start({ GANTRY_PROCESS_RUNS: 'allow' });
      await gantry.setUp();
      await use(gantry);
      await gantry.stop();
    },
    { scope: 'worker' },
  ],
});

test('a project answers as a process once a person has approved a call, and goes on when one is denied', async ({ page, gantry }) => {
  test.skip(!wants('python'), 'GANTRY_TEST_SKIP names python');
  test.setTimeout(120_000);
  const project = await gantry.projectWithTools('loose-counts');
  await page.goto('/projects/loose-counts/chat');
  await settled(page);
  const runtime = page.getByRole('combobox', { name: 'Runtime' });
  await runtime.selectOption({ label: 'Process: no sandbox' });
  await expect(page.getByRole('note')).toContainText("all rights of the server's own user");
  await lookOver(page, 'process-choice');
  const messages = page.getByRole('region', { name: 'Messages' });
  const approval = page.getByRole('group', { name: 'Approval needed' });
  const say = async (text) => {
    await page.getByRole('textbox', { name: 'Message' }).fill(text);
    await page.keyboard.press('Enter');
    await expect(approval).toBeVisible({ timeout: 30_000 });
  };
  await say('Count three words');
  await lookOver(page, 'process-approval');
  await approval.getByRole('button', { name: 'Approve' }).click();
  await expect(approval).toBeHidden();
  await expect(messages).toContainText('"words"', { timeout: 30_000 });
  await expect(page.getByRole('button', { name: 'Stop' })).toBeHidden({ timeout: 30_000 });

  await say('Count them again');
  await approval.getByRole('button', { name: 'Deny' }).click();
  await expect(messages).toContainText('did not allow', { timeout: 30_000 });
  // The turn had an allowed call beside it, so the project goes on without the denied one and the rehearsal model, which
  // calls each tool once, asks for it again.
  await expect(approval.getByRole('button', { name: 'Deny' })).toBeVisible({ timeout: 30_000 });
  await approval.getByRole('button', { name: 'Deny' }).click();
  await expect(page.getByRole('button', { name: 'Stop' })).toBeHidden({ timeout: 30_000 });
  const { items } = await gantry.api('GET', `/projects/${project.id}/runs`);
  expect(items.map((run) => [run.runtime, run.state, run.revision])).toEqual([['process', 'done', 1], ['process', 'done', 1]]);
  await page.goto(`/projects/loose-counts/runs/${items[0].id}`);
  await settled(page);
  await expect(page.getByText(/as a process/).first()).toBeVisible();
  await lookOver(page, 'process-run');
});

test('where nobody allows it, the command line says what would', async () => {
  const gantry = await Gantry.start();
  await gantry.setUp();
  try {
    await gantry.project('Answer questions about pears.', 'tight-pears');
    const refused = await gantry.command('run', 'tight-pears', 'Hello', '--runtime', 'process');
    expect([refused.code, refused.errors]).toEqual([1, expect.stringContaining('GANTRY_PROCESS_RUNS=allow')]);
  } finally {
    await gantry.stop();
  }
});
