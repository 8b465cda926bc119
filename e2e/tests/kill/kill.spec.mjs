// The server dies as by a power cut in the middle of work. After the restart every job ends in the
// right state, and no event is lost or doubled.
import { execFileSync } from 'node:child_process';
import { expect, test } from '@playwright/test';
import { eventually, Gantry, newPostgresSchema, wants } from '../../support/gantry.mjs';
import { slowModel, slowRegistry } from '../../support/peers.mjs';

let gantry;
test.beforeEach(async ({}, info) => {
  gantry = await Gantry.start(info.title.startsWith('on Postgres') && wants('postgres') ? { GANTRY_DATABASE_URL: newPostgresSchema() } : {});
  await gantry.setUp();
});
test.afterEach(async ({}, info) => {
  if (info.status !== info.expectedStatus) console.log(gantry.log.slice(-4000));
  await gantry.stop();
});

/** A job's log after it ended: gap-free, what was there before the kill unchanged, ended exactly once. */
async function expectWholeLog(job, before) {
  const events = await gantry.events(job);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.slice(0, before.length)).toEqual(before);
  const endings = events.filter((event) => event.type === 'job.state' && ['done', 'failed', 'cancelled'].includes(event.state));
  expect(endings).toHaveLength(1);
  expect(events.at(-1)).toEqual(endings[0]);
  return events;
}

/**
 * Kills the server once `isUnderWay` sees what it waits for in the job's log, and starts it again.
 * Returns what a reader had seen by then: exactly that must still be there.
 */
async function killWhen(job, isUnderWay) {
  const seen = await eventually('the work to be under way', async () => {
    const events = await gantry.events(job);
    return isUnderWay(events) && events;
  }, 60);
  await gantry.kill();
  await gantry.launch();
  return seen;
}

test('a chat run that was cut off is run again and answers once', async () => {
  const model = await slowModel(150);
  try {
    const project = await gantry.project('Answer questions about our library.', 'killed-run');
    const provider = await gantry.api('POST', '/providers', { name: 'slow', baseUrl: model.url, defaultModel: 'slow' });
    const session = await gantry.api('POST', `/projects/${project.id}/sessions`, { mode: 'dev', providerId: provider.id });
    const { id, jobId } = await gantry.api('POST', `/sessions/${session.id}/messages`, { text: 'Hello?' });
    const texts = (events) => events.filter((event) => event.type === 'run.event' && event.event.type === 'TEXT_MESSAGE_CONTENT');
    const before = await killWhen(jobId, (events) => texts(events).length >= 3);
    model.wordMilliseconds = 5;

    const job = await gantry.ended(jobId);
    expect(job.state).toBe('done');
    expect(job.attempt).toBe(2);
    const events = await expectWholeLog(jobId, before);
    expect(events.filter((event) => event.type === 'run.done')).toHaveLength(1);
    const run = await gantry.api('GET', `/runs/${id}`);
    expect(run.state).toBe('done');
    expect(run.output.trim()).toBe(Array.from({ length: 40 }, (_, index) => `word${index}`).join(' '));
    expect(model.requests).toBe(2);
  } finally {
    await model.close();
  }
});

test('a run that was cancelled just before the kill stays cancelled', async () => {
  const model = await slowModel(150);
  try {
    const project = await gantry.project('Answer questions about our library.', 'cancelled-run');
    const provider = await gantry.api('POST', '/providers', { name: 'slow', baseUrl: model.url, defaultModel: 'slow' });
    const { jobId } = await gantry.api('POST', `/projects/${project.id}/runs`, { input: 'Hello?', mode: 'dev', providerId: provider.id });
    await eventually('the run to stream', async () => (await gantry.events(jobId)).some((event) => event.type === 'run.event'));
    await Promise.allSettled([gantry.api('POST', `/jobs/${jobId}:cancel`, {}), gantry.kill()]);
    await gantry.launch();
    const job = await gantry.ended(jobId);
    // The kill may have come before the request was written down; then nobody asked.
    expect(job.cancelRequestedAt ? ['cancelled'] : ['done']).toContain(job.state);
    await expectWholeLog(jobId, []);
  } finally {
    await model.close();
  }
});

test('every project that was acknowledged is there with its files, and none is there by half', async () => {
  const { spec } = await gantry.api('POST', '/plans', { prompt: 'Tell the time in a city.', constraints: { name: 'acknowledged', framework: 'react' } });
  const acknowledged = [];
  let stopped = false;
  const makers = Array.from({ length: 16 }, async (_, maker) => {
    for (let number = 0; !stopped; number += 1) {
      const name = `made-${maker}-${number}`;
      try {
        const made = await gantry.api('POST', '/projects', { spec: { ...spec, metadata: { ...spec.metadata, name } } });
        acknowledged.push({ name, id: made.id });
      } catch {
        return; // The server is gone.
      }
    }
  });
  await eventually('many projects to be made', () => acknowledged.length > 200, 60);
  await gantry.kill();
  stopped = true;
  await Promise.all(makers);
  await gantry.launch();

  const there = [];
  for (let cursor = ''; cursor != null; ) {
    const page = await gantry.api('GET', `/projects?limit=100${cursor && `&cursor=${cursor}`}`);
    there.push(...page.items);
    cursor = page.nextCursor;
  }
  const ids = new Set(there.map((project) => project.id));
  expect(acknowledged.filter((made) => !ids.has(made.id))).toEqual([]);
  expect(there.length - acknowledged.length, 'only what was under way was not acknowledged').toBeLessThanOrEqual(16);
  for (const project of there) {
    const files = await gantry.api('GET', `/projects/${project.id}/files`);
    expect(files.items.length, project.name).toBeGreaterThan(10);
  }
});

test('a build that was cut off is done again and yields one image', async () => {
  test.skip(!wants('docker'), 'GANTRY_TEST_SKIP names docker');
  const project = await gantry.project('Tell the time in a city.', 'killed-build');
  const { id, jobId } = await gantry.api('POST', `/projects/${project.id}/builds`, { noCache: true });
  const before = await killWhen(jobId, (events) => events.some((event) => event.type === 'build.step'));
  const job = await gantry.ended(jobId);
  expect(job.reason).toBeNull();
  expect(job.state).toBe('done');
  const events = await expectWholeLog(jobId, before);
  expect(events.filter((event) => event.type === 'build.done')).toHaveLength(1);
  const build = await gantry.api('GET', `/builds/${id}`);
  expect(build.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  const images = await gantry.api('GET', `/projects/${project.id}/images`);
  expect(images.items.map((image) => image.digest)).toEqual([build.digest]);
});

test('a push that was cut off is finished and says published only after reading back', async () => {
  test.skip(!wants('docker') || !wants('registry'), 'GANTRY_TEST_SKIP names docker or registry');
  const target = process.env.GANTRY_TEST_REGISTRY;
  expect(target, 'GANTRY_TEST_REGISTRY is set by scripts/registry.sh env').toBeTruthy();
  const way = await slowRegistry(target);
  try {
    const project = await gantry.project('Tell the time in a city.', 'killed-push');
    const built = await gantry.api('POST', `/projects/${project.id}/builds`, {});
    expect((await gantry.ended(built.jobId)).state).toBe('done');
    const { digest } = await gantry.api('GET', `/builds/${built.id}`);
    const registry = await gantry.api('POST', '/registries', { name: 'slow', address: way.address, plainHttp: true });
    const repository = `e2e/killed-push-${Date.now()}`;
    const { jobId } = await gantry.api('POST', `/images/${digest}:publish`, { registryId: registry.id, repository, tag: '1.0.0' });
    await eventually('an upload to begin', () => way.uploading, 60);
    const before = await gantry.events(jobId);
    await gantry.kill();
    way.hold = false;
    await gantry.launch();
    expect(before.some((event) => event.type === 'publish.done')).toBe(false);

    const job = await gantry.ended(jobId);
    expect(job.reason).toBeNull();
    expect(job.state).toBe('done');
    const events = await expectWholeLog(jobId, before);
    expect(events.filter((event) => event.type === 'publish.done')).toHaveLength(1);
    const inspected = execFileSync('skopeo', ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${target}/${repository}:1.0.0`], { encoding: 'utf8' });
    expect(inspected.trim()).toBe(digest);
  } finally {
    way.hold = false;
    await way.close();
  }
});

// One kill for all three, since each would wait for the lease (30 s) to run out: on Postgres nobody knows
// whether the node that holds it is dead.
test('on Postgres a run, a build and a push that are cut off at once are each finished once', async () => {
  test.skip(!wants('postgres') || !wants('docker') || !wants('registry'), 'GANTRY_TEST_SKIP names postgres, docker or registry');
  const target = process.env.GANTRY_TEST_REGISTRY;
  expect(target, 'GANTRY_TEST_REGISTRY is set by scripts/registry.sh env').toBeTruthy();
  const [model, way] = [await slowModel(150), await slowRegistry(target)];
  try {
    const published = await gantry.project('Tell the time in a city.', 'killed-push');
    const built = await gantry.api('POST', `/projects/${published.id}/builds`, {});
    expect((await gantry.ended(built.jobId)).state).toBe('done');
    const { digest } = await gantry.api('GET', `/builds/${built.id}`);
    const registry = await gantry.api('POST', '/registries', { name: 'slow', address: way.address, plainHttp: true });
    const repository = `e2e/killed-push-${Date.now()}`;
    const provider = await gantry.api('POST', '/providers', { name: 'slow', baseUrl: model.url, defaultModel: 'slow' });
    const project = await gantry.project('Answer questions about our library.', 'killed-build');

    const push = await gantry.api('POST', `/images/${digest}:publish`, { registryId: registry.id, repository, tag: '1.0.0' });
    await eventually('an upload to begin', () => way.uploading, 60);
    const run = await gantry.api('POST', `/projects/${project.id}/runs`, { input: 'Hello?', mode: 'dev', providerId: provider.id });
    const build = await gantry.api('POST', `/projects/${project.id}/builds`, { noCache: true });
    const jobs = [push.jobId, run.jobId, build.jobId];
    const begun = { 1: (event) => event.type === 'run.event' && event.event.type === 'TEXT_MESSAGE_CONTENT', 2: (event) => event.type === 'build.step' };
    const before = await eventually('all three to be under way', async () => {
      const logs = await Promise.all(jobs.map((job) => gantry.events(job)));
      return Object.entries(begun).every(([index, isBegun]) => logs[index].some(isBegun)) && logs;
    }, 60);
    await gantry.kill();
    way.hold = false;
    model.wordMilliseconds = 5;
    await gantry.launch();

    const ending = ['publish.done', 'run.done', 'build.done'];
    for (const [index, id] of jobs.entries()) {
      const job = await gantry.ended(id);
      expect(job.reason, ending[index]).toBeNull();
      expect([job.state, job.attempt]).toEqual(['done', 2]);
      const events = await expectWholeLog(id, before[index]);
      expect(events.filter((event) => event.type === ending[index])).toHaveLength(1);
    }
    const { output } = await gantry.api('GET', `/runs/${run.id}`);
    expect(output.trim()).toBe(Array.from({ length: 40 }, (_, index) => `word${index}`).join(' '));
    const images = await gantry.api('GET', `/projects/${project.id}/images`);
    expect(images.items.map((image) => image.digest)).toEqual([(await gantry.api('GET', `/builds/${build.id}`)).digest]);
    const inspected = execFileSync('skopeo', ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${target}/${repository}:1.0.0`], { encoding: 'utf8' });
    expect(inspected.trim()).toBe(digest);
  } finally {
    way.hold = false;
    await Promise.all([model.close(), way.close()]);
  }
});
