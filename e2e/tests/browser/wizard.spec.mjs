// The wizard: by mouse and by keyboard, its filter, what does not fit and how it is resolved, and a plan that
// a model writes.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, lookOver, settled, test } from '../../support/browser.mjs';
import { eventually } from '../../support/gantry.mjs';
import { answeringModel } from '../../support/peers.mjs';

// Each of these looks a long page over in both themes.
test.describe.configure({ timeout: 150_000 });

const sums = 'Calculate sums and tell the time in any city.';

/** Describes an agent and has the rules plan it. */
async function described(page, prompt) {
  await page.goto('/projects/new');
  await settled(page);
  await page.getByLabel('Description').fill(prompt);
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page).toHaveURL(/step=framework/);
  await settled(page);
}

const frameworks = (page) => page.getByRole('group', { name: 'Framework', exact: true }).getByRole('radio');
const framework = (page, name) => page.getByRole('radio', { name, exact: true });
const summary = (page) => page.getByRole('complementary', { name: 'Summary' });

test('by mouse: the rail filters, the cards choose, and the files follow', async ({ page, gantry }) => {
  await described(page, sums);
  await expect(frameworks(page)).toHaveCount(12);
  // What is said of a framework is the instance's matrix.
  const matrix = await gantry.api('GET', '/compatibility');
  const langgraph = matrix.frameworks.find((entry) => entry.id === 'langgraph');
  const card = page.locator('label', { has: framework(page, 'LangGraph') });
  await expect(card).toContainText(langgraph.license);
  await expect(card).toContainText(`langgraph ${langgraph.packages[0].version}`);
  await expect(card).toContainText(`${langgraph.install.megabytes} MB in ${langgraph.install.packages} packages`);
  const cell = langgraph.patterns.find((entry) => entry.pattern === 'react');
  await expect(card).toContainText(cell.verifiedOn ? `Verified: ran on ${cell.verifiedOn}` : 'Unverified');
  await lookOver(page, 'wizard-framework');
  await page.setViewportSize({ width: 1720, height: 1000 });
  await page.screenshot({ path: 'test-results/shots/wizard-framework-wide.png', fullPage: true });
  await page.setViewportSize({ width: 1280, height: 800 });

  await card.click();
  await expect(framework(page, 'LangGraph')).toBeChecked();
  await expect(summary(page)).toContainText('LangGraph');
  await expect(summary(page).getByText(/changed by the last choice/)).toBeVisible();
  await summary(page).getByRole('button', { name: /^agent\.py/ }).click();
  await expect(summary(page).getByRole('region', { name: /agent\.py/ })).toContainText('langgraph');

  const rail = page.getByRole('group', { name: 'Filter the frameworks' });
  const graphs = matrix.frameworks.filter((entry) => entry.philosophy === 'graph').length;
  await rail.getByRole('radio', { name: /State machine/ }).check({ force: true });
  await expect(frameworks(page)).toHaveCount(graphs);
  await expect(page.getByText(`${graphs} of 12 shown`)).toBeVisible();
  await rail.getByRole('radio', { name: /AWS/ }).check({ force: true });
  await expect(summary(page)).toContainText('AWS');
  const both = matrix.frameworks.filter((entry) => entry.philosophy === 'graph' && entry.clouds.includes('aws')).length;
  await expect(frameworks(page)).toHaveCount(both);
  await page.getByRole('button', { name: 'Clear all filters' }).click();
  await expect(frameworks(page)).toHaveCount(12);
});

test('a filter that leaves nothing says what hides what, and lets go of it', async ({ page, gantry }) => {
  const matrix = await gantry.api('GET', '/compatibility');
  const typescript = matrix.frameworks.filter((entry) => entry.language === 'typescript');
  await described(page, sums);
  const rail = page.getByRole('group', { name: 'Filter the frameworks' });
  await rail.getByRole('radio', { name: /TypeScript/ }).check({ force: true });
  await rail.getByRole('radio', { name: /Apache-2\.0/ }).check({ force: true });
  await expect(frameworks(page)).toHaveCount(0);
  const note = page.locator('.hidden-note').first();
  await expect(note).toContainText('No framework has all of this.');
  await expect(note).toContainText(`Language: TypeScript hides ${matrix.frameworks.length - typescript.length}`);
  await expect(note).toContainText('Plain ReAct is chosen and stays so');
  await lookOver(page, 'wizard-nothing-left');
  await note.getByRole('button', { name: `Clear licence, show ${typescript.length}` }).click();
  await expect(frameworks(page)).toHaveCount(typescript.length);
  // Of the models, too.
  const models = page.getByRole('group', { name: 'Model', exact: true });
  // The known ones, the one that is named by hand, and those of the providers that other stories left.
  const all = await models.getByRole('radio').count();
  expect(all).toBeGreaterThan(matrix.models.length);
  await page.getByLabel('Filter models').fill('no such model');
  await expect(page.getByText('No known model is called like that.')).toBeVisible();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await expect(models.getByRole('radio')).toHaveCount(all);
  // What is not known of a model says so.
  const unknown = matrix.models.find((model) => model.contextTokens == null);
  await expect(models.locator('label', { has: page.getByRole('radio', { name: unknown.name, exact: true }) })).toContainText('unknown');
});

test('what does not go together is said with its reason, and Resolve mends it', async ({ page, gantry }) => {
  await described(page, sums);
  await framework(page, 'CrewAI').check({ force: true });
  await page.getByRole('radio', { name: 'Graph', exact: true }).check({ force: true });
  const matrix = await gantry.api('GET', '/compatibility');
  const cell = matrix.frameworks.find((entry) => entry.id === 'crewai').patterns.find((entry) => entry.pattern === 'graph');
  expect(cell.support).toBe('unsupported');
  const card = page.getByRole('region', { name: 'Pattern Graph' });
  await expect(card).toContainText(cell.reason);
  await expect(summary(page)).toContainText('pattern_unsupported');
  await card.getByText(/All frameworks:/).click();
  await expect(card.getByRole('listitem').filter({ has: page.getByText('CrewAI Flow', { exact: true }) })).toContainText('Native');
  await lookOver(page, 'wizard-unsupported');
  await page.getByRole('link', { name: 'Review' }).click();
  await expect(page.getByRole('heading', { name: 'Review' })).toBeFocused();
  const compatibility = page.getByRole('region', { name: 'Compatibility' });
  await expect(compatibility).toContainText(/[1-9] blocked/);
  await expect(page.getByRole('button', { name: 'Create project' })).toBeDisabled();
  await settled(page);
  await lookOver(page, 'wizard-blocked');
  await compatibility.getByRole('button', { name: 'Resolve: Use LangGraph' }).click();
  await expect(compatibility.getByText('pattern_unsupported')).toHaveCount(0);
  for (let round = 0; round < 6 && !(await compatibility.getByText(' 0 blocked').isVisible()); round += 1) {
    await compatibility.locator('.bad').getByRole('button', { name: /^Resolve/ }).first().click();
    await page.waitForTimeout(200);
  }
  await expect(compatibility).toContainText('0 blocked');
  await expect(page.locator('#compatibility-title')).toBeFocused();
  await page.getByLabel('Name').fill('wizard-resolved');
  await page.getByRole('button', { name: 'Create project' }).click();
  await expect(page).toHaveURL(/\/projects\/wizard-resolved$/);
  const project = await gantry.api('GET', '/projects/wizard-resolved');
  expect([project.spec.target.framework, project.spec.target.pattern]).toEqual(['langgraph', 'graph']);
});

test('by keyboard alone: digits, arrows and Enter lead to a project', async ({ page, gantry }) => {
  await page.goto('/projects/new');
  await settled(page);
  await expect(page.getByLabel('Description')).toBeFocused();
  await page.keyboard.type(sums);
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('heading', { name: /Framework, model/ })).toBeFocused();
  await page.keyboard.press('2');
  await expect(framework(page, 'LangGraph')).toBeFocused();
  await expect(framework(page, 'LangGraph')).toBeChecked();
  await page.keyboard.press('ArrowDown');
  await expect(framework(page, 'Pydantic AI')).toBeChecked();
  // Digits belong to the group that has the focus.
  for (let presses = 0; presses < 20 && (await page.evaluate(() => document.activeElement.name)) !== 'pattern'; presses += 1) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('3');
  await expect(page.getByRole('radio', { name: 'Sequence', exact: true })).toBeChecked();
  await page.keyboard.press('2');
  await expect(page.getByRole('radio', { name: 'Reason and act', exact: true })).toBeChecked();
  await expect(framework(page, 'Pydantic AI')).toBeChecked();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/step=agents/);
  await expect(page.getByRole('heading', { name: 'Who does what?' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/step=tools/);
  await page.goBack();
  await expect(page).toHaveURL(/step=agents/);
  await page.goForward();
  await expect(page.getByRole('heading', { name: 'What may it call?' })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Review' })).toBeFocused();
  // Here Enter on nothing in particular creates nothing.
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/step=review/);
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Name')).toBeFocused();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('wizard-by-keys');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/projects\/wizard-by-keys$/);
  const project = await gantry.api('GET', '/projects/wizard-by-keys');
  expect(project.spec.target.framework).toBe('pydantic-ai');
});

test('a reload keeps everything and says so, and starting over forgets it', async ({ page }) => {
  await described(page, sums);
  await expect(page.getByText('Kept in this tab: reloading loses nothing.')).toBeVisible();
  await framework(page, 'LangGraph').check({ force: true });
  await page.getByRole('group', { name: 'Filter the frameworks' }).getByRole('radio', { name: /Google Cloud/ }).check({ force: true });
  await page.getByLabel('Name of the model').fill('house-model');
  await page.reload();
  await expect(page.getByText('Taken up where you left it.')).toBeVisible();
  await expect(page).toHaveURL(/step=framework/);
  await expect(framework(page, 'LangGraph')).toBeChecked();
  await expect(summary(page)).toContainText('Google Cloud');
  await expect(page.getByLabel('Name of the model')).toHaveValue('house-model');
  await page.getByRole('button', { name: 'Start over' }).click();
  await expect(page.getByLabel('Description')).toHaveValue('');
  await page.reload();
  await expect(page.getByLabel('Description')).toHaveValue('');
});

test('what the plan leaves open is asked, and the answer makes another plan', async ({ page }) => {
  await described(page, 'Search the web for news about ships.');
  const questions = page.getByRole('region', { name: 'The description leaves open' });
  await expect(questions.getByRole('textbox').first()).toBeVisible();
  expect(await questions.getByRole('textbox').count()).toBeLessThanOrEqual(3);
  await lookOver(page, 'wizard-questions');
  await questions.getByRole('textbox').first().fill('GET https://search.example.com/news/{topic}');
  await questions.getByRole('button', { name: 'Answer and plan again' }).click();
  await expect(questions).toBeHidden();
  await page.getByRole('link', { name: 'Tools' }).first().click();
  await expect(page.getByText('https://search.example.com/news/{topic}').first()).toBeVisible();
});

test('a model writes the plan, is seen at it, can be given up, and never replaced in silence', async ({ page, gantry }) => {
  const plan = (url) => JSON.stringify({
    name: 'city-weather', description: 'Tells the weather.', framework: 'react', pattern: 'react',
    agents: [{ id: 'clerk', role: 'Clerk', instructions: 'Answer.', tools: ['weather'], handoffs: [] }],
    tasks: [], start: '', edges: [],
    tools: [{ id: 'weather', kind: 'http', builtin: '', description: 'The weather of a city.', method: 'GET', url, effect: 'network', parameters: [{ name: 'city', type: 'string', description: 'The city.', required: true }] }],
    questions: [], reasons: ['One clerk is enough for one address.'],
  });
  let provider;
  const model = await answeringModel([plan('https://weather.example/{city}')], 60_000);
  try {
    provider = await gantry.api('POST', '/providers', { name: 'wizard-planner', baseUrl: model.url, defaultModel: 'planner-1' });
    await page.goto('/projects/new');
    await settled(page);
    await page.getByLabel('Description').fill('The weather of a city from https://weather.example/');
    await page.getByRole('radio', { name: 'wizard-planner' }).check({ force: true });
    await lookOver(page, 'wizard-planner');
    await page.getByRole('button', { name: 'Continue' }).click();
    const writing = page.getByRole('region', { name: 'The plan in the making' });
    await expect(writing).toContainText('Question 1: asked with a JSON Schema');
    await lookOver(page, 'wizard-writing');
    await writing.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByText('Cancelled. Nothing was changed')).toBeVisible();
    await eventually('the model to be left alone', () => model.left === 1);

    model.milliseconds = 300;
    model.replies = [plan('https://invented.example/{city}'), plan('https://weather.example/{city}')];
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect(page).toHaveURL(/step=framework/, { timeout: 20_000 });
    const why = page.getByRole('region', { name: 'Why' });
    await expect(why).toContainText('planner-1 wrote the plan');
    await expect(why).toContainText('One clerk is enough for one address.');
    await why.getByText('The model was asked 2 times').click();
    await expect(why).toContainText('the person gave no such address');

    model.milliseconds = 0;
    model.replies = ['I would rather not.'];
    await page.goBack();
    await page.getByLabel('Description').fill('The weather of a town from https://weather.example/');
    await page.getByRole('button', { name: 'Plan again' }).click();
    await expect(summary(page)).toContainText('planner-1 gave no plan that can be used; this one is by the rules.');
    await lookOver(page, 'wizard-fallback');
  } finally {
    if (provider) await gantry.api('DELETE', `/providers/${provider.id}`);
    await model.close();
  }
});

test('the files are the same to the byte in the browser, on the server and from the command line', async ({ page, gantry }) => {
  await described(page, 'Calculate sums – "quoted", {{braced}} and \\escaped – and tell the time in any city 🌍.');
  const choose = async (name) => page.locator('label', { has: framework(page, name) }).click();
  for (const [name, project] of [['LangGraph', 'same-bytes-python'], ['OpenAI Agents SDK for TypeScript', 'same-bytes-typescript']]) {
    await page.goto('/projects/new?step=framework');
    await settled(page);
    await choose(name);
    await page.goto('/projects/new?step=review');
    await settled(page);
    await page.getByLabel('Name').fill(project);
    await expect(page.getByText(/\d+ files,/)).toBeVisible();
    // Until the preview has the name, which is in many of the files.
    const files = page.getByRole('region', { name: 'Files', exact: true });
    await files.getByRole('button', { name: /^README\.md/ }).click();
    await expect(page.getByRole('region', { name: 'Content of README.md' })).toContainText(`# ${project}`);
    const shown = await page.evaluate(async () => {
      const found = {};
      for (const button of document.querySelectorAll('.file-tree button.file-row')) {
        button.click();
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        const text = document.querySelector('.file-text');
        found[text.getAttribute('aria-label').replace('Content of ', '')] = text.textContent;
      }
      return found;
    });
    const sum = (bytes) => createHash('sha256').update(bytes).digest('hex');
    const inBrowser = Object.fromEntries(Object.entries(shown).map(([path, text]) => [path, sum(text)]));

    const { spec } = await page.evaluate(() => JSON.parse(sessionStorage.getItem('gantry.new-project')));
    await gantry.api('POST', '/projects', { spec });
    const listed = await gantry.api('GET', `/projects/${project}/files`);
    const onServer = Object.fromEntries(listed.items.map((file) => [file.path, file.sha256]));
    expect(inBrowser).toEqual(onServer);

    const exported = await gantry.command('project', 'export', project, '--output', `${project}.zip`);
    expect(exported.code, exported.errors).toBe(0);
    const script = 'import sys, json, zipfile, hashlib; z = zipfile.ZipFile(sys.argv[1]); print(json.dumps({n.split("/", 1)[1]: hashlib.sha256(z.read(n)).hexdigest() for n in z.namelist()}))';
    const fromCommand = JSON.parse(execFileSync('python3', ['-c', script, join(gantry.data, `${project}.zip`)], { encoding: 'utf8' }));
    expect(fromCommand).toEqual(onServer);
  }
});

test('the limits of a run are given in money, tokens and time, and a limit that cannot be kept says so', async ({ page, gantry }) => {
  await described(page, sums);
  await page.goto('/projects/new?step=review');
  await settled(page);
  await page.getByLabel('Name').fill('limited-sums');
  await page.getByText('Limits, memory and image').click();
  const cost = page.getByLabel('Most cost, in US dollars');
  await cost.fill('a little');
  await expect(page.getByText('Expected an amount such as 0.50')).toBeVisible();
  await cost.fill('0.50');
  await page.getByLabel('Most tokens').fill('20000');
  await page.getByLabel('Most seconds').fill('90');
  await page.getByRole('group', { name: 'Tools that never run' }).getByLabel('calculator').check();
  await page.getByLabel('Memory').selectOption('none');
  await page.getByLabel('Labels').fill('team');
  await expect(page.getByText('Line 1: expected a name')).toBeVisible();
  await page.getByLabel('Labels').fill('team=support\nstage = trial');
  await lookOver(page, 'wizard-limits');
  // Stories share a server, and others may have entered prices.
  const { items } = await gantry.api('GET', '/providers');
  const isPriced = items.some((provider) => provider.inputPriceMicros != null && provider.outputPriceMicros != null);
  await expect(page.getByText('cost_not_known')).toHaveCount(isPriced ? 0 : 1);
  await page.getByRole('button', { name: 'Create project' }).click();
  await expect(page).toHaveURL(/\/projects\/limited-sums$/);
  const { spec } = await gantry.api('GET', '/projects/limited-sums');
  expect(spec.guardrails).toEqual({ maxTokens: 20_000, maxSeconds: 90, maxCostMicros: 500_000, deny: ['calculator'] });
  expect(spec.memory.kind).toBe('none');
  expect(spec.metadata.labels).toEqual({ team: 'support', stage: 'trial' });
  // And in the pipeline, where a change can be taken back.
  await page.goto('/projects/limited-sums/pipeline');
  await settled(page);
  await page.getByText('Limits, memory and image').click();
  await expect(page.getByLabel('Most cost, in US dollars')).toHaveValue('0.5');
  await page.getByLabel('Most cost, in US dollars').fill('');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+z');
  await expect(page.getByLabel('Most cost, in US dollars')).toHaveValue('0.5');
});
