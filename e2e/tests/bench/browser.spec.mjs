// What `cargo xtask bench` measures in the browser: frames of the log view while 100 000 lines arrive,
// and how long an event takes from its append to a page. The log's events are fed by this file, so that
// the view is measured and not a build; the events of the second measurement are a real run's.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, settled, test } from '../../support/browser.mjs';
import { slowModel } from '../../support/peers.mjs';

const LINES = 100_000;
const figures = {};

test.afterAll(() => {
  const file = process.env.GANTRY_BENCH_RESULT;
  if (!file) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(figures));
});

test('100 000 lines arrive in the log of a build', async ({ page, gantry }) => {
  const project = await gantry.project('Tell the time in a city.', 'log-view');
  const id = '019aa000-0000-7000-8000-000000000001';
  const jobId = '019aa000-0000-7000-8000-000000000002';
  const at = new Date().toISOString();
  await page.route(`**/api/v1/builds/${id}`, (route) =>
    route.fulfill({ json: { id, number: 1, projectId: project.id, jobId, version: '0.1.0', revision: 1, state: 'running', reason: null, digest: null, size: null, createdAt: at, startedAt: at, finishedAt: null } }),
  );
  let begin;
  const begun = new Promise((resolve) => (begin = resolve));
  await page.routeWebSocket(new RegExp(`/api/v1/jobs/${jobId}/events`), async (socket) => {
    let seq = 0;
    const send = (body) => socket.send(JSON.stringify({ seq: (seq += 1), at, jobId, ...body }));
    send({ type: 'job.state', state: 'running', attempt: 1 });
    send({ type: 'build.step', step: { id: 's1', stage: 'build', name: '[1/1] RUN make', state: 'running' } });
    await begun;
    let line = 0;
    // 64 lines a message, as the server batches them; 512 lines every 16 ms is 32 000 lines a second.
    while (line < LINES) {
      for (let batch = 0; batch < 8 && line < LINES; batch += 1) {
        const lines = Array.from({ length: Math.min(64, LINES - line) }, (_, index) => ({ level: 'info', text: `line ${line + index + 1} of the log: compiling something-or-other v1.2.${(line + index) % 97}` }));
        send({ type: 'build.log', step: 's1', lines });
        line += lines.length;
      }
      await new Promise((resolve) => setTimeout(resolve, 16));
    }
    send({ type: 'build.step', step: { id: 's1', stage: 'build', name: '[1/1] RUN make', state: 'done', durationMs: 1000 } });
    send({ type: 'job.state', state: 'done', attempt: 1 });
  });
  await page.addInitScript(() => {
    window.frames_ = [];
    let last;
    const tick = (now) => {
      if (last !== undefined) window.frames_.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  await page.goto(`/projects/log-view/builds/${id}`);
  await expect(page.getByText('[1/1] RUN make').first()).toBeVisible();
  await settled(page);
  await page.evaluate(() => (window.frames_ = []));
  const began = Date.now();
  begin();
  // Follow mode keeps the end in sight.
  await expect(page.getByText('line 100000 of the log').first()).toBeVisible({ timeout: 120_000 });
  const total = Date.now() - began;
  const frames = (await page.evaluate(() => window.frames_)).sort((a, b) => a - b);
  const at99 = frames[Math.floor((frames.length - 1) * 0.99)];
  Object.assign(figures, { total, frames: frames.length, p99: at99, longest: frames.at(-1), over33: frames.filter((frame) => frame > 33.4).length });
  console.log(JSON.stringify(figures));
  expect(await page.evaluate(() => document.querySelectorAll('*').length), 'the page keeps few nodes').toBeLessThan(2_000);
});

test('events reach a page', async ({ page, gantry }) => {
  const model = await slowModel(10, 300);
  try {
    const project = await gantry.project('Answer questions about a library.', 'latency');
    const provider = await gantry.api('POST', '/providers', { name: 'pace', baseUrl: model.url, defaultModel: 'pace' });
    await page.goto('/projects');
    await settled(page);
    const { jobId } = await gantry.api('POST', `/projects/${project.id}/runs`, { input: 'Go.', mode: 'dev', providerId: provider.id });
    const delays = await page.evaluate(
      (job) =>
        new Promise((resolve, reject) => {
          const delays = [];
          const opened = performance.timeOrigin + performance.now();
          const socket = new WebSocket(`ws://${location.host}/api/v1/jobs/${job}/events`);
          socket.onmessage = ({ data }) => {
            const now = performance.timeOrigin + performance.now();
            const event = JSON.parse(data);
            // Milliseconds with the microseconds that Date.parse leaves out.
            const [, whole, fraction = ''] = event.at.match(/^([^.]+?)(?:\.(\d+))?Z$/);
            const at = Date.parse(`${whole}Z`) + Number(fraction.padEnd(6, '0').slice(0, 6)) / 1000;
            if (at > opened) delays.push(now - at);
            if (event.type === 'job.state' && ['done', 'failed', 'cancelled'].includes(event.state)) resolve(delays);
          };
          socket.onerror = () => reject(new Error('the stream broke'));
        }),
      jobId,
    );
    delays.sort((a, b) => a - b);
    expect(delays.length).toBeGreaterThan(30);
    figures.browserMedian = delays[Math.floor(delays.length / 2)];
    figures.browserP99 = delays[Math.floor((delays.length - 1) * 0.99)];
    console.log(JSON.stringify(figures));
  } finally {
    await model.close();
  }
});
