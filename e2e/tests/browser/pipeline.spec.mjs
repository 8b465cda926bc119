// The pipeline: the spec as a graph that is edited by hand, saved, and seen again.
import { expect, expectAccessible, lookOver, settled, test } from '../../support/browser.mjs';

const sources = { calculator: { id: 'calculator', kind: 'builtin', name: 'calculator', effect: 'read' } };

/** A project with the pattern graph, by its whole spec. */
async function graphProject(gantry, name) {
  const plan = await gantry.api('POST', '/plans', { prompt: 'Calculate and check sums.', constraints: { name, framework: 'langgraph' } });
  const agent = (id, tools = []) => ({ id, role: `The ${id}`, instructions: `Do what a ${id} does.`, tools });
  const task = (id, doer) => ({ id, agent: doer, description: `The part of the ${doer}.` });
  const calculator = plan.spec.tools.find((tool) => tool.id === 'calculator') ?? { ...sources.calculator, description: 'Computes.', parameters: await builtinParameters(gantry) };
  const spec = {
    ...plan.spec,
    target: { ...plan.spec.target, pattern: 'graph' },
    agents: [agent('solver', ['calculator']), agent('checker')],
    tools: [calculator],
    tasks: [task('solve', 'solver'), task('check', 'checker'), task('report', 'checker')],
    graph: { start: 'solve', maxSteps: 10, edges: [
      { from: 'solve', to: 'check' },
      { from: 'check', to: 'solve', when: { contains: 'wrong' } },
      { from: 'check', to: 'report' },
      { from: 'report', to: 'end' },
    ] },
  };
  return gantry.api('POST', '/projects', { spec });
}

async function builtinParameters(gantry) {
  const matrix = await gantry.api('GET', '/compatibility');
  return matrix.tools.find((tool) => tool.id === 'calculator').parameters;
}

const node = (page, name) => page.getByRole('group', { name: /^Graph/ }).getByRole('button', { name });
const center = async (locator) => {
  const box = await locator.boundingBox();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2, box };
};

/** Draws a line from the port of one node to another node. */
async function draw(page, from, to) {
  const start = await from.boundingBox();
  const end = await center(to);
  await page.mouse.move(start.x + start.width - 1, start.y + start.height / 2);
  await page.mouse.down();
  await page.mouse.move(end.x - 20, end.y, { steps: 6 });
  await page.mouse.move(end.x, end.y);
  await page.mouse.up();
}

test('a graph is shown as it is, edited, undone, saved, and is there after a reload', async ({ page, gantry }) => {
  const project = await graphProject(gantry, 'abacus');
  await page.goto('/projects/abacus');
  await settled(page);
  await page.getByRole('link', { name: 'Pipeline' }).click();
  await expect(page).toHaveURL(/\/projects\/abacus\/pipeline$/);
  await settled(page);
  for (const name of [/^Start/, /^Task solve/, /^Branch/, /^Agent solver/, /^End/, /^Tool calculator/, /^Model default/]) {
    await expect(node(page, name)).toBeVisible();
  }
  await expect(page.getByText('Saved, revision 1.')).toBeVisible();
  await lookOver(page, 'pipeline');

  // An agent is added, named and given the tool by drawing a line.
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('dialog', { name: 'Add to the pipeline' }).getByRole('button', { name: /^Agent/ }).click();
  const inspector = page.getByRole('complementary', { name: 'Inspector' });
  await expect(inspector.getByRole('heading', { name: 'Agent: agent' })).toBeVisible();
  await inspector.getByLabel('Name').fill('auditor');
  await inspector.getByLabel('Role').fill('Auditor');
  await expect(inspector.getByRole('heading', { name: 'Agent: auditor' })).toBeVisible();
  await inspector.getByLabel('Role').fill('Chief auditor');
  await expect(node(page, /^Agent auditor Chief auditor/)).toBeVisible();
  await page.getByRole('button', { name: /^Show the whole graph/ }).click();
  await draw(page, node(page, /^Agent auditor/), node(page, /^Tool calculator/));
  await node(page, /^Agent auditor/).click();
  await expect(inspector.getByLabel('calculator')).toBeChecked();
  await lookOver(page, 'pipeline-agent');

  // The task gets the new agent by a line; undo takes that back, redo makes it again.
  await draw(page, node(page, /^Task report/), node(page, /^Agent auditor/));
  await node(page, /^Task report/).click();
  await expect(inspector.getByLabel('Done by')).toHaveValue('auditor');
  await page.getByRole('button', { name: /^Undo/ }).click();
  await expect(inspector.getByLabel('Done by')).toHaveValue('checker');
  await page.keyboard.press('Control+Shift+Z');
  await expect(inspector.getByLabel('Done by')).toHaveValue('auditor');
  await expect(page.getByText('Not saved')).toBeVisible();

  // A node is moved, by the pointer and by the keyboard.
  const before = await center(node(page, /^Agent auditor/));
  await page.mouse.move(before.x, before.y);
  await page.mouse.down();
  await page.mouse.move(before.x + 90, before.y + 30, { steps: 8 });
  await page.mouse.up();
  const after = await center(node(page, /^Agent auditor/));
  expect(after.x - before.x).toBeGreaterThan(70);
  await node(page, /^Agent auditor/).focus();
  await page.keyboard.press('ArrowDown');
  await expect.poll(async () => (await center(node(page, /^Agent auditor/))).y).toBeGreaterThan(after.y + 4);

  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Saved, revision 2.')).toBeVisible();
  const saved = await gantry.api('GET', `/projects/${project.id}`);
  expect(saved.spec.tasks.find((task) => task.id === 'report').agent).toBe('auditor');
  expect(saved.spec.agents.find((agent) => agent.id === 'auditor').tools).toEqual(['calculator']);
  expect(Object.keys(saved.spec.layout.nodes)).toEqual(['agent:auditor']);
  expect(saved.spec.graph).toEqual(project.spec.graph);

  const placed = await center(node(page, /^Agent auditor/));
  await page.reload();
  await settled(page);
  await expect(node(page, /^Agent auditor Chief auditor/)).toBeVisible();
  await expect(page.getByText('Saved, revision 2.')).toBeVisible();
  await page.getByRole('button', { name: /^Arrange/ }).click();
  await expect.poll(async () => Math.abs((await center(node(page, /^Agent auditor/))).x - placed.x)).toBeGreaterThan(4);
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await expect(page.getByText('Saved, revision 2.')).toBeVisible();
});

test('edges carry their conditions, errors are named with a fix, and nothing broken is saved', async ({ page, gantry }) => {
  const project = await graphProject(gantry, 'sextant');
  await page.goto('/projects/sextant/pipeline');
  await settled(page);
  const inspector = page.getByRole('complementary', { name: 'Inspector' });
  await node(page, /^Task check/).click();
  await inspector.getByRole('button', { name: /^solve/ }).click();
  await expect(inspector.getByRole('heading', { name: 'Connection' })).toBeVisible();
  await inspector.getByLabel('This text').fill('');
  await expect(page.getByText('1 thing must be resolved before it can be saved.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeDisabled();
  await inspector.getByLabel('This text').fill('mistake');
  await expect(page.locator('.line-label', { hasText: 'mistake' })).toBeVisible();
  await expectAccessible(page, 'an edge in the inspector');

  // What can mean nothing is refused with a sentence.
  await page.getByRole('button', { name: /^Show the whole graph/ }).click();
  await draw(page, node(page, /^Tool calculator/), node(page, /^Agent solver/));
  await expect(page.getByText('solver may call calculator already.')).toBeVisible();
  await page.getByRole('button', { name: 'Close message' }).click();

  // Another pattern says what it needs, and the fix gives it.
  await page.keyboard.press('Escape');
  await inspector.getByLabel('Pattern').selectOption('handoff');
  await expect(page.getByText(/must be resolved before it can be saved/)).toBeVisible();
  await inspector.getByRole('button', { name: 'Let every agent pass on to every other' }).click();
  await expect(page.getByText(/must be resolved before it can be saved/)).toBeHidden();
  await expect(node(page, /^End/)).toBeHidden();
  await lookOver(page, 'pipeline-handoff');
  await page.locator('#pipeline-graph').focus();
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  await expect(node(page, /^End/)).toBeVisible();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Saved, revision 2.')).toBeVisible();
  const saved = await gantry.api('GET', `/projects/${project.id}`);
  expect(saved.spec).toEqual({ ...project.spec, graph: { ...project.spec.graph, edges: project.spec.graph.edges.map((edge) => (edge.when ? { ...edge, when: { contains: 'mistake' } } : edge)) } });
});

test('what somebody else saves shows in the graph, and is no silent loss of what was edited here', async ({ page, gantry }) => {
  const project = await graphProject(gantry, 'compass');
  await page.goto('/projects/compass/pipeline');
  await settled(page);
  await expect(node(page, /^Agent checker/)).toBeVisible();
  const rename = (spec, role) => ({ ...spec, agents: spec.agents.map((agent) => (agent.id === 'checker' ? { ...agent, role } : agent)) });
  const look = () => page.evaluate(() => window.dispatchEvent(new Event('focus')));

  await gantry.api('PUT', `/projects/${project.id}/spec`, { spec: rename(project.spec, 'From elsewhere'), expectedRevision: 1 });
  await look();
  await expect(node(page, /^Agent checker From elsewhere/)).toBeVisible();
  await expect(page.getByText('Saved, revision 2.')).toBeVisible();

  const inspector = page.getByRole('complementary', { name: 'Inspector' });
  await node(page, /^Agent solver/).click();
  await inspector.getByLabel('Role').fill('Edited here');
  await gantry.api('PUT', `/projects/${project.id}/spec`, { spec: rename(project.spec, 'Once more'), expectedRevision: 2 });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const notice = page.getByRole('alert').filter({ hasText: 'Somebody saved revision 3' });
  await expect(notice).toBeVisible();
  await expectAccessible(page, 'a conflict in the pipeline');
  await page.reload();
  await settled(page);
  await expect(notice, 'what was not saved is kept in the tab').toBeVisible();
  await notice.getByRole('button', { name: 'Take theirs, and lose these changes' }).click();
  await expect(node(page, /^Agent checker Once more/)).toBeVisible();
  await expect(node(page, /^Agent solver The solver/)).toBeVisible();
  await expect(page.getByText('Saved, revision 3.')).toBeVisible();
});

test('a step is tried by itself, whatever the pattern', async ({ page, gantry }) => {
  await graphProject(gantry, 'astrolabe');
  await page.goto('/projects/astrolabe/pipeline');
  await settled(page);
  const inspector = page.getByRole('complementary', { name: 'Inspector' });
  await node(page, /^Agent solver/).click();
  await inspector.getByRole('button', { name: 'Test this step' }).click();
  await inspector.getByLabel('What the person says').fill('What is (2 + 3) * 4?');
  await inspector.getByRole('button', { name: 'Run this step' }).click();
  const outcome = inspector.getByRole('region', { name: 'What came of the test' });
  await expect(outcome.getByText(/^Done in/)).toBeVisible();
  await expect(outcome.getByRole('button', { name: /calculator/ })).toContainText('Done');
  await expect(outcome).toContainText('20');
  await lookOver(page, 'pipeline-test');
});

test('on a phone the pipeline is a list, and everything is edited in a sheet', async ({ browser, gantry, signedIn }) => {
  const project = await graphProject(gantry, 'quadrant');
  const context = await browser.newContext({ baseURL: gantry.url, storageState: signedIn, viewport: { width: 390, height: 844 }, hasTouch: true });
  const page = await context.newPage();
  await page.goto('/projects/quadrant/pipeline');
  await settled(page);
  await page.getByRole('button', { name: /checker.*Agent/ }).first().click();
  const sheet = page.getByRole('dialog', { name: 'Inspector' });
  await expect(sheet).toBeVisible();
  await sheet.getByLabel('Role').fill('Second pair of eyes');
  await expectAccessible(page, 'the inspector on a phone');
  await page.screenshot({ path: 'test-results/shots/pipeline-sheet-phone.png' });
  await sheet.getByRole('button', { name: 'Close', exact: true }).click();
  await expect(page.getByText('Second pair of eyes')).toBeVisible();
  await page.getByRole('button', { name: 'Graph', exact: true }).click();
  await expect(node(page, /^Agent checker/)).toBeVisible();
  await page.screenshot({ path: 'test-results/shots/pipeline-graph-phone.png' });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Saved, revision 2.')).toBeVisible();
  expect((await gantry.api('GET', `/projects/${project.id}`)).spec.agents[1].role).toBe('Second pair of eyes');
  await context.close();
});
