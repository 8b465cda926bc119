// What `cargo xtask bench` measures in the browser: frames of the log view while 100 000 lines arrive,
// and how long an event takes from its append to a page. Server, stream and page are the real ones. The
// lines are written into the log by `feed.py`, so that the view is measured and not a build; the events
// of the second measurement are a real run's.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, settled, test } from '../../support/browser.mjs';
import { keepFigures } from '../../support/figures.mjs';
import { slowModel } from '../../support/peers.mjs';

const LINES = 100_000;
const figures = {};

test.afterAll(() => keepFigures(figures));

test('100 000 lines arrive in the log of a build', async ({ page, gantry }) => {
  const project = await gantry.project('Tell the time in a city.', 'log-view');
  const build = '019aa000-0000-7000-8000-000000000001';
  const job = '019aa000-0000-7000-8000-000000000002';
  const feed = (...parts) =>
    execFileSync('python3', [fileURLToPath(new URL('feed.py', import.meta.url)), join(gantry.data, 'gantry.db'), ...parts]);
  feed('begin', project.id, build, job);
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
  await page.goto(`/projects/log-view/builds/${build}`);
  await expect(page.getByText('[1/1] RUN make').first()).toBeVisible();
  await settled(page);
  feed('lines', job, String(LINES));
  feed('end', job);
  // Within the page, so that no question of the test's comes between the frames: from the frame in which
  // the first line shows until follow mode shows the last one.
  const { frames, total } = await page.evaluate(
    (count) =>
      new Promise((resolve) => {
        let began;
        const look = () => {
          const text = document.querySelector('main').textContent;
          if (began === undefined && text.includes(' of the log: ')) {
            began = performance.now();
            // The frame in which the first lines were drawn is among them.
            window.frames_ = window.frames_.slice(-1);
          }
          if (began !== undefined && text.includes(`line ${count} of the log`)) {
            // Two more frames: the last ones drawn are measured as well.
            requestAnimationFrame(() => requestAnimationFrame(() => resolve({ frames: window.frames_, total: performance.now() - began })));
          } else {
            requestAnimationFrame(look);
          }
        };
        requestAnimationFrame(look);
      }),
    LINES,
  );
  frames.sort((a, b) => a - b);
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
