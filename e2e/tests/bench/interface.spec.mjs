// What `cargo xtask bench` measures of the interface by itself: how soon a choice in the wizard is shown, and
// the frames while a node is moved in a large pipeline.
import { expect, settled, test } from '../../support/browser.mjs';
import { keepFigures } from '../../support/figures.mjs';

const figures = {};
test.afterAll(() => keepFigures(figures));

const share = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];

test('a choice in the wizard is shown', async ({ page }) => {
  await page.goto('/projects/new');
  await settled(page);
  await page.getByLabel('Description').fill('Calculate sums. First it collects, then it compares, then it writes a report.');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page).toHaveURL(/step=framework/);
  await settled(page);
  const change = (selector, turn) =>
    page.evaluate(
      async ([selector, turn]) => {
        const field = document.querySelectorAll(selector);
        const one = field[turn % field.length];
        const channel = new MessageChannel();
        const done = new Promise((resolve) => (channel.port1.onmessage = resolve));
        if (one.type === 'radio' && one.checked) return undefined;
        const begin = performance.now();
        if (one.type === 'radio') {
          one.click();
        } else {
          one.value = `model-${turn}`;
          one.dispatchEvent(new InputEvent('input', { bubbles: true }));
        }
        // What follows from it is done in microtasks; then the page is laid out as for a frame.
        channel.port2.postMessage(0);
        await done;
        document.body.getBoundingClientRect();
        return performance.now() - begin;
      },
      [selector, turn],
    );
  const kinds = { framework: '.frameworks input', pattern: '.patterns input', model: '.models input', cloud: 'input[name=facet-cloud]', typing: '.choice-section > .field input.code' };
  figures.wizard = {};
  for (const [kind, selector] of Object.entries(kinds)) {
    const times = [];
    for (let turn = 1; turn <= 16; turn += 1) {
      const time = await change(selector, turn * 5);
      if (time !== undefined) times.push(time);
      // The files are written when nobody changes anything.
      await page.waitForTimeout(200);
    }
    expect(times.length, `${kind} was changed`).toBeGreaterThan(5);
    times.sort((a, b) => a - b);
    figures.wizard[kind] = { median: share(times, 0.5), p95: share(times, 0.95) };
    if (kind === 'cloud') await page.locator('input[name=facet-cloud]').first().check({ force: true });
  }
  console.log(JSON.stringify(figures.wizard));
});

test('a node is moved in a pipeline of sixty tasks', async ({ page, gantry }) => {
  const { spec } = await gantry.api('POST', '/plans', { prompt: 'Check sums.', constraints: { name: 'large-pipeline', framework: 'langgraph' } });
  const agent = (id) => ({ id, role: `The ${id}`, instructions: `Do what a ${id} does.`, tools: [] });
  const steps = Array.from({ length: 60 }, (_, index) => `step_${index}`);
  await gantry.api('POST', '/projects', {
    spec: {
      ...spec,
      target: { ...spec.target, pattern: 'graph' },
      agents: [agent('solver'), agent('checker')],
      tools: [],
      tasks: steps.map((id, index) => ({ id, agent: index % 2 ? 'checker' : 'solver', description: 'A step.' })),
      graph: {
        start: steps[0],
        maxSteps: 100,
        edges: steps.flatMap((id, index) => [
          { from: id, to: steps[index + 1] ?? 'end', when: { lacks: 'stop' } },
          { from: id, to: steps[Math.max(0, index - 7)] },
        ]),
      },
    },
  });
  await page.goto('/projects/large-pipeline/pipeline');
  await settled(page);
  await page.getByRole('button', { name: /^Arrange/ }).waitFor();
  await page.evaluate(() => {
    window.frames_ = [];
    let last = performance.now();
    const tick = (now) => {
      window.frames_.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  const box = await page.getByRole('group', { name: /^Graph/ }).getByRole('button', { name: /^Agent solver/ }).boundingBox();
  const [left, top] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(left, top);
  await page.mouse.down();
  await page.evaluate(() => {
    window.frames_ = [];
  });
  for (let step = 1; step <= 60; step += 1) await page.mouse.move(left + step * 3, top + step);
  const frames = await page.evaluate(() => window.frames_.toSorted((a, b) => a - b));
  await page.mouse.up();
  expect(frames.length).toBeGreaterThan(10);
  figures.drag = { median: share(frames, 0.5), p95: share(frames, 0.95) };
  console.log(JSON.stringify(figures.drag));
});
