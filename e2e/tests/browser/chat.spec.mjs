// Testing agents: the rail and the picker, a turn from the message to its run, and a run that is looked at and done again.
import { readFileSync } from 'node:fs';
import { expect, lookOver, settled, test } from '../../support/browser.mjs';
import { slowModel } from '../../support/peers.mjs';

const message = (page) => page.getByRole('textbox', { name: 'Message' });
const approval = (page) => page.getByRole('group', { name: 'Approval needed' });
const textOf = async (download) => readFileSync(await download.path(), 'utf8');

/** The file that a press saves. */
async function saved(page, name) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()]);
  return download;
}

test('the rail finds agents, and Ctrl-P goes to one', async ({ page, gantry }) => {
  await gantry.project('Answer questions about apples.', 'orchards');
  await gantry.project('Answer questions about grapes.', 'vineyards');
  await page.goto('/projects/orchards/chat');
  await settled(page);
  const agents = page.getByRole('region', { name: 'Agents', exact: true });
  await expect(agents.getByRole('link').first()).toContainText('orchards');
  await expect(agents.getByRole('link', { name: /orchards/ })).toContainText('Not run yet');
  await page.getByRole('searchbox', { name: 'Search agents and chats' }).fill('viney');
  await expect(agents.getByRole('listitem')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(agents.getByRole('link', { name: /orchards/ })).toBeVisible();
  await page.keyboard.press('Control+p');
  const picker = page.getByRole('dialog', { name: 'Go to an agent, chat or run' });
  await expect(picker.getByRole('combobox')).toBeFocused();
  await page.keyboard.type('vineyards');
  await expect(picker.getByRole('option').first()).toContainText('vineyards');
  await lookOver(page, 'chat-picker');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/projects\/vineyards\/chat$/);
  await page.keyboard.press('Control+p');
  await expect(picker).toBeVisible();
  await page.keyboard.press('Control+p');
  await expect(picker).toBeHidden();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole('button', { name: 'Agents', exact: true }).click();
  const drawer = page.getByRole('dialog', { name: 'Agents and chats' });
  await expect(drawer.getByRole('link', { name: /orchards/ })).toBeVisible();
  await page.screenshot({ path: 'test-results/shots/chat-rail-phone.png' });
  await drawer.getByRole('link', { name: /orchards/ }).click();
  await expect(page).toHaveURL(/\/projects\/orchards\/chat$/);
});

test('a message with a file becomes a turn, which is inspected, saved, and done again', async ({ page, gantry }) => {
  test.setTimeout(240_000);
  await gantry.projectWithTools('meadows');
  await page.goto('/projects/meadows/chat');
  await settled(page);

  await test.step('a draft outlives a reload, and a file stands in it', async () => {
    await message(page).fill('Look at this:');
    await page.reload();
    await settled(page);
    await expect(message(page)).toHaveValue('Look at this:');
    const files = page.getByLabel('Files to attach');
    await files.setInputFiles({ name: 'field.json', mimeType: 'application/json', buffer: Buffer.from('{"grass": "6 * 7"}') });
    await expect(message(page)).toHaveValue('Look at this:\n\nfield.json:\n```json\n{"grass": "6 * 7"}\n```\n');
    await files.setInputFiles({ name: 'cow.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50, 0xff, 0x00]) });
    await expect(page.getByText('cow.png is not a text file')).toBeVisible();
    await files.setInputFiles({ name: 'big.txt', mimeType: 'text/plain', buffer: Buffer.alloc(70_000, 'x') });
    await expect(page.getByText(/big\.txt has 70\.0 kB/)).toBeVisible();
    await expect(message(page)).toHaveValue(/field\.json/);
  });

  await test.step('what the agent may call follows the mode', async () => {
    await page.getByRole('button', { name: 'Tools 2 · Ask' }).click();
    const tools = page.getByRole('region', { name: 'Tools of the agent' });
    await expect(tools.getByRole('listitem').nth(1)).toContainText('asks you first');
    await tools.getByRole('button', { name: 'Safe' }).click();
    await expect(tools.getByRole('listitem').nth(1)).toContainText('is refused');
    await tools.getByRole('button', { name: 'Ask' }).click();
    await lookOver(page, 'chat-tools');
    await page.keyboard.press('Escape');
    await expect(tools).toBeHidden();
  });

  const trace = await test.step('the turn runs, and its tools are cards', async () => {
    await message(page).press('Enter');
    await expect(approval(page)).toBeVisible();
    await approval(page).getByRole('button', { name: 'Approve' }).click();
    const turn = page.getByRole('article');
    await expect(turn.getByText('You', { exact: true })).toBeVisible();
    await expect(turn.getByText('meadows', { exact: true })).toBeVisible();
    const card = turn.getByRole('button', { name: /calculator/ });
    await expect(turn.getByRole('button', { name: /count.*Done/ })).toBeVisible();
    await card.click();
    await expect(turn.getByRole('button', { name: 'Copy arguments' })).toBeVisible();
    await expect(turn.getByRole('button', { name: 'Copy result' })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Send' })).toBeVisible();
    await lookOver(page, 'chat-turn');

    const download = await saved(page, 'Trace JSON');
    const text = await textOf(download);
    const { run, events } = JSON.parse(text);
    expect(run.state).toBe('done');
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)).toMatchObject({ type: 'job.state', state: 'done' });
    const exported = await textOf(await saved(page, 'Export .md'));
    for (const part of ['## You', 'field.json', '**Tool `calculator`**: done']) expect(exported).toContain(part);
    return { text, run };
  });

  await test.step('a saved trace is looked at again', async () => {
    const load = page.getByLabel('File to load').first();
    await load.setInputFiles({ name: 'trace.json', mimeType: 'application/json', buffer: Buffer.from(trace.text) });
    const shown = page.getByRole('region', { name: 'Run from a file' });
    await expect(shown).toContainText('trace.json');
    await expect(shown.getByRole('button', { name: /count.*Done/ })).toBeVisible();
    await lookOver(page, 'chat-from-file');
    await shown.getByRole('button', { name: 'Close' }).click();
    await expect(shown).toBeHidden();
    await load.setInputFiles({ name: 'ask.txt', mimeType: 'text/plain', buffer: Buffer.from('Again?') });
    await expect(message(page)).toHaveValue('Again?');
  });

  await test.step('its run has a span for everything that it did', async () => {
    await page.getByRole('link', { name: 'Open run' }).click();
    await expect(page).toHaveURL(new RegExp(`/projects/meadows/runs/${trace.run.id}$`));
    const spans = page.getByRole('list', { name: 'Spans' });
    await expect(spans.getByRole('button', { name: /^Run/ })).toContainText('Done');
    for (const name of ['Waiting for a worker', 'Model turn 1', 'calculator', 'count', 'Approval']) {
      await expect(spans.getByRole('button', { name: new RegExp(`^${name}`) }).first()).toBeVisible();
    }
    await settled(page);
    await lookOver(page, 'run');
    await spans.getByRole('button', { name: /^count/ }).click();
    const side = page.getByRole('region', { name: 'What happened' });
    await expect(side).toContainText('Tool call');
    await expect(side.getByRole('button', { name: 'Copy arguments' })).toBeVisible();
    const lines = page.getByRole('region', { name: 'Lines of the log' });
    await expect(lines).toContainText('RUN_STARTED');
    await side.getByRole('button', { name: 'Only its events below' }).click();
    await expect(lines).toContainText('TOOL_CALL_RESULT');
    await expect(lines.locator('.log-row:not(.gone)').filter({ hasText: 'RUN_STARTED' })).toHaveCount(0);
    await lookOver(page, 'run-span');
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect(lines).toContainText('RUN_STARTED');
    await page.getByRole('searchbox', { name: 'Search the log' }).fill('approval.decided');
    await expect(page.getByText('1 line')).toBeVisible();
  });

  await test.step('it is done again with another input', async () => {
    await page.getByRole('button', { name: 'Run again', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Run again' });
    await expect(dialog).toContainText('from the beginning');
    await dialog.getByLabel('Input').fill('Count something else.');
    await lookOver(page, 'run-again');
    await dialog.getByRole('button', { name: 'Run', exact: true }).click();
    await expect(page).not.toHaveURL(new RegExp(trace.run.id));
    await expect(page.getByRole('heading', { name: 'Count something else.' })).toBeVisible();
    await expect(page.getByText('A tool call waits for you')).toBeVisible();
    await approval(page).getByRole('button', { name: 'Deny' }).click();
    await expect(page.getByRole('list', { name: 'Spans' }).getByRole('button', { name: /^Run/ })).toContainText('Done');
    await expect(page.getByRole('list', { name: 'Spans' }).getByRole('button', { name: /^count/ })).toContainText('Denied');
    await page.getByRole('link', { name: 'All runs' }).click();
    await expect(page.getByRole('table').getByRole('row')).toHaveCount(3);
    await lookOver(page, 'runs');
  });

  await test.step('it goes on from its middle with another result of a tool', async () => {
    await page.goto(`/projects/meadows/runs/${trace.run.id}`);
    const spans = page.getByRole('list', { name: 'Spans' });
    const span = (name) => spans.getByRole('button', { name: new RegExp(`^${name}`) });
    await span('calculator').first().click();
    await page.getByRole('button', { name: 'Run again from here' }).click();
    const dialog = page.getByRole('dialog', { name: 'Run again from here' });
    await expect(dialog).toContainText('taken over');
    await expect(dialog.getByLabel('Arguments')).not.toHaveValue('');
    await dialog.getByRole('radio', { name: 'Go on with its result' }).check();
    await dialog.getByRole('textbox', { name: 'Result' }).fill('1 234 567');
    await lookOver(page, 'run-from-here');
    await dialog.getByRole('button', { name: 'Run', exact: true }).click();
    await expect(page).not.toHaveURL(new RegExp(trace.run.id));
    await expect(span('Model turn 1')).toContainText('taken over');
    await expect(span('calculator').first()).toContainText('changed');
    await approval(page).getByRole('button', { name: 'Deny' }).click();
    await expect(span('Run')).toContainText('Done');
    await expect(page.getByText('anew from the result of a tool, which was changed')).toBeVisible();
    await span('calculator').first().click();
    const side = page.getByRole('region', { name: 'What happened' });
    await expect(side).toContainText('1 234 567');
    await expect(side).toContainText('changed by a person');
    await lookOver(page, 'run-taken-over');
    await page.getByRole('link', { name: 'another run' }).click();
    await expect(page).toHaveURL(new RegExp(trace.run.id));
    await expect(page.getByRole('list', { name: 'Done anew' }).getByRole('link')).toHaveCount(2);
    await span('Waiting for a worker').first().click();
    await expect(page.getByRole('button', { name: 'Run again from here' })).toHaveCount(0);
  });
});

test('a run is drawn while it goes on, and can be stopped', async ({ page, gantry }) => {
  const model = await slowModel(100, 400);
  try {
    const project = await gantry.project('Answer questions about hay.', 'haystacks');
    const provider = await gantry.api('POST', '/providers', { name: 'slow-hay', baseUrl: model.url, defaultModel: 'slow' });
    const run = await gantry.api('POST', `/projects/${project.id}/runs`, { input: 'Where is it?', mode: 'safe', providerId: provider.id });
    await page.goto(`/projects/haystacks/runs/${run.id}`);
    await expect(page.getByRole('region', { name: 'What happened' })).toContainText('word3');
    const spans = page.getByRole('list', { name: 'Spans' });
    await expect(spans.getByRole('button', { name: /^Model turn 1/ })).toContainText('Running');
    await page.getByRole('button', { name: 'Stop' }).click();
    await expect(spans.getByRole('button', { name: /^Model turn 1/ })).toContainText('Unfinished');
    await expect(page.getByRole('button', { name: 'Stop' })).toBeHidden();
    await lookOver(page, 'run-stopped');
  } finally {
    await model.close();
  }
});

test('agents of all projects are tested from one page', async ({ page, gantry }) => {
  await gantry.project('Answer questions about gates.', 'gates');
  await page.goto('/projects');
  await settled(page);
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await expect(page).toHaveURL(/\/test$/);
  await settled(page);
  await lookOver(page, 'test');
  await page.getByRole('region', { name: 'Agents', exact: true }).getByRole('link', { name: /gates/ }).click();
  await expect(page).toHaveURL(/\/projects\/gates\/chat$/);
});
