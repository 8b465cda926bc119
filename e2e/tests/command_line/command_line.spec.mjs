// The command line against a real server: what scripts build on. Results on standard output, words on
// standard error, exit codes as the help says.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { binary, eventually, Gantry, wants } from '../../support/gantry.mjs';
import { slowModel } from '../../support/peers.mjs';

test.describe.configure({ mode: 'serial' });

let gantry;
test.beforeAll(async () => {
  gantry = await Gantry.start();
  await gantry.setUp();
});
test.afterAll(() => gantry.stop());

test('from a sentence to a list', async () => {
  const created = await gantry.command('project', 'create', '--prompt', 'An agent that tells the time in a city', '--name', 'clock', '--framework', 'react');
  expect(created).toMatchObject({ code: 0, output: 'clock\n' });
  const listed = await gantry.command('project', 'list', '--json');
  expect(listed.code).toBe(0);
  expect(JSON.parse(listed.output).map((project) => project.name)).toEqual(['clock']);
  expect((await gantry.command('project', 'list')).output).toMatch(/^NAME .*\nclock +react +0\.1\.0/);
});

test('a spec that was printed makes the same project again, and one that is wrong is refused with its path', async () => {
  const printed = await gantry.command('project', 'create', '--prompt', 'An agent that tells the time in a city', '--name', 'clock-two', '--dry-run');
  expect(printed.code).toBe(0);
  const file = join(gantry.data, 'agent.gantry.yaml');
  writeFileSync(file, printed.output);
  expect(await gantry.command('project', 'create', '--spec', file)).toMatchObject({ code: 0, output: 'clock-two\n' });
  const taken = await gantry.command('project', 'create', '--spec', file);
  expect(taken.code).toBe(1);
  expect(taken.errors).toContain('clock-two');

  writeFileSync(file, printed.output.replace(/^apiVersion:.*$/m, 'apiVersion: gantry/v1\nsurprise: true'));
  const wrong = await gantry.command('project', 'create', '--spec', file);
  expect(wrong.code).toBe(2);
  expect(wrong.errors).toContain('surprise');
});

test('an export is the same to the byte every time, and is a ZIP archive', async () => {
  const sums = [];
  for (const name of ['one.zip', 'two.zip']) {
    const exported = await gantry.command('project', 'export', 'clock', '--output', name);
    expect(exported).toMatchObject({ code: 0, output: `${name}\n` });
    sums.push(createHash('sha256').update(readFileSync(join(gantry.data, name))).digest('hex'));
  }
  expect(sums[0]).toBe(sums[1]);
  const names = execFileSync('python3', ['-m', 'zipfile', '--list', join(gantry.data, 'one.zip')], { encoding: 'utf8' });
  for (const expected of ['agent.gantry.yaml', 'Dockerfile', 'AGENTS.md']) expect(names).toContain(expected);
});

test('a project is verified, and with --run its own tests run here', async () => {
  const sound = await gantry.command('project', 'verify', 'clock');
  expect(sound.code, sound.errors).toBe(0);
  expect(sound.output).toMatch(/^ok +Spec: /);
  const ran = await gantry.command('project', 'verify', 'clock', '--run', '--json');
  expect(ran.code, ran.errors).toBe(0);
  expect(ran.errors).toContain('$ python3 -m venv .venv');
  const report = JSON.parse(ran.output);
  expect(report.isSound).toBe(true);
  expect(report.run).toMatchObject({ passed: true });
  expect(report.run.steps.at(-1).command).toContain('unittest discover -s tests');

  // What is no Python is named with its line, nothing is run, and the exit code says so.
  const { id, revision } = await gantry.api('GET', '/projects/clock');
  await gantry.api('PUT', `/projects/${id}/files/broken.py`, { content: 'x = 1\ny = = 2\n', expectedRevision: revision });
  const broken = await gantry.command('project', 'verify', 'clock', '--run');
  expect(broken.code).toBe(1);
  expect(broken.output).toContain('broken.py:2');
  expect(broken.errors).toContain('clock is not sound; nothing was run');
  expect(broken.errors).not.toContain('venv');
  const after = await gantry.api('GET', '/projects/clock');
  await gantry.api('DELETE', `/projects/${id}/files/broken.py?expectedRevision=${after.revision}`);
  expect((await gantry.command('project', 'verify', 'nobody')).code).toBe(5);
});

test('an agent is exported for registries of MCP servers and for kagent', async () => {
  const described = await gantry.command('project', 'export', 'clock', '--format', 'mcp-server', '--output', '-');
  expect(described.code, described.errors).toBe(0);
  expect(JSON.parse(described.output)).toMatchObject({ remotes: [{ type: 'streamable-http', url: `${gantry.url}/mcp/clock` }] });
  const early = await gantry.command('project', 'export', 'clock', '--format', 'kagent');
  expect(early).toMatchObject({ code: 1, errors: expect.stringContaining('was published yet') });
  const image = `registry.example.com/clock@sha256:${'a'.repeat(64)}`;
  const manifest = await gantry.command('project', 'export', 'clock', '--format', 'kagent', '--image', image, '--output', '-');
  expect(manifest.output).toContain(image);
  expect((await gantry.command('project', 'export', 'clock', '--image', image)).code).toBe(2);
});

test('revisions are listed, compared, brought back and merged with what the generator writes', async () => {
  const { id, revision } = await gantry.api('GET', '/projects/clock-two');
  const readme = (await gantry.api('GET', `/projects/${id}/files/README.md`)).content;
  await gantry.api('PUT', `/projects/${id}/files/README.md`, { content: `${readme}\nMine.\n`, expectedRevision: revision });
  const edits = await gantry.command('project', 'diff', 'clock-two', '--against', 'generated');
  expect(edits.code).toBe(0);
  expect(edits.output).toContain('--- a/README.md\n+++ b/README.md\n@@ ');
  expect(edits.output).toContain('\n+Mine.\n');
  expect(JSON.parse((await gantry.command('project', 'diff', 'clock-two', '--json')).output)).toMatchObject({ from: 1, to: 2 });
  expect((await gantry.command('project', 'diff', 'clock-two', '--against', 'latest')).code).toBe(2);

  const same = await gantry.command('project', 'regenerate', 'clock-two');
  expect(same).toMatchObject({ code: 0, output: '' });
  expect(same.errors).toContain('nothing is written differently');
  const would = await gantry.command('project', 'regenerate', 'clock-two', '--dry-run', '--json');
  expect(JSON.parse(would.output)).toMatchObject({ changed: false, conflicts: [] });

  expect((await gantry.command('project', 'restore', 'clock-two', '1')).output).toBe('3\n');
  expect((await gantry.api('GET', `/projects/${id}/files/README.md`)).content).toBe(readme);
  const listed = await gantry.command('project', 'revisions', 'clock-two');
  expect(listed.output).toMatch(/^REVISION .*\n3 +restore .*Revision 1 was restored\.\n2 +edit .*README\.md was edited\.\n1 +created /);
  expect((await gantry.command('project', 'restore', 'clock-two', '17')).code).toBe(5);
});

test('a run prints the answer and says what was used', async () => {
  const ran = await gantry.command('run', 'clock', 'What time is it in Oslo?', '--mode', 'dev');
  expect(ran.errors).toContain('rehearsal');
  expect(ran.code).toBe(0);
  expect(ran.output.trim().length).toBeGreaterThan(10);
  const json = await gantry.command('run', 'clock', 'What time is it in Oslo?', '--mode', 'dev', '--json');
  const run = JSON.parse(json.output);
  expect(run).toMatchObject({ state: 'done', mode: 'dev', model: 'rehearsal' });
  expect(run.usage.toolCalls).toBeGreaterThan(0);
});

test('Ctrl-C cancels the job on the server and ends with 130', async () => {
  const model = await slowModel(200, 1000);
  try {
    await gantry.api('POST', '/providers', { name: 'slow', baseUrl: model.url, defaultModel: 'slow' });
    const child = spawn(binary, ['run', 'clock', 'Hello', '--provider', 'slow'], { env: { ...process.env, GANTRY_URL: gantry.url, GANTRY_TOKEN: gantry.token }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (bytes) => (output += bytes));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await eventually('the answer to begin', () => output.includes('word1'));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const { items } = await gantry.api('GET', '/jobs');
    expect(items[0]).toMatchObject({ kind: 'run', state: 'cancelled' });
  } finally {
    await model.close();
  }
});

test('a script can tell what went wrong by the exit code', async () => {
  expect((await gantry.command('frobnicate')).code).toBe(2);
  expect((await gantry.command('project', 'list', '--url', 'http://127.0.0.1:9')).code).toBe(3);
  expect((await gantry.command('project', 'list', '--token', 'gantry_wrong')).code).toBe(4);
  expect((await gantry.command('build', 'nobody')).code).toBe(5);
  const refused = await gantry.command('project', 'create', '--prompt', '', '--json');
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.errors).code).toBeTruthy();
});

test('an image is built, published and read back', async () => {
  test.skip(!wants('docker') || !wants('registry'), 'GANTRY_TEST_SKIP names docker or registry');
  test.setTimeout(180_000);
  const built = await gantry.command('build', 'clock');
  expect(built.errors).not.toContain('error:');
  expect(built.code).toBe(0);
  const digest = built.output.trim();
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);

  const address = process.env.GANTRY_TEST_REGISTRY;
  await gantry.api('POST', '/registries', { name: 'local', address, plainHttp: true });
  const repository = `e2e/command-line-${Date.now()}`;
  const published = await gantry.command('publish', 'clock', '--registry', 'local', '--repository', repository, '--tag', '1.0.0');
  expect(published).toMatchObject({ code: 0, output: `docker pull ${address}/${repository}@${digest}\n` });
  const inspected = execFileSync('skopeo', ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${address}/${repository}:1.0.0`], { encoding: 'utf8' });
  expect(inspected.trim()).toBe(digest);
});

test('a server whose log nobody reads any more stops when it is told to', async () => {
  const server = await Gantry.start();
  server.process.stdout.destroy();
  server.process.stderr.destroy();
  expect(await server.stop()).toBe(0);
});
