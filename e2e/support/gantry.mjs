// A Gantry server of a test's own: the release binary in a directory of its own, on a loopback port.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The program under test; `make test` names it. */
export const binary = process.env.GANTRY_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(process.env.HOME, '.cache/gantry-target'), 'release/gantry');

/** Whether a part that a test needs is there; `GANTRY_TEST_SKIP` names those that are not. */
export const wants = (part) => !(process.env.GANTRY_TEST_SKIP ?? '').split(',').map((name) => name.trim()).includes(part);

/** A loopback port that nobody listens on. */
export const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

/** The address of a schema of its own in the Postgres for tests. */
export function newPostgresSchema() {
  const address = process.env.GANTRY_TEST_POSTGRES;
  if (!address) throw new Error('GANTRY_TEST_POSTGRES is set by scripts/postgres.sh env');
  const schema = `e2e_${Date.now()}`;
  execFileSync('psql', ['--quiet', '--command', `CREATE SCHEMA ${schema}`, address]);
  return `${address}${address.includes('?') ? '&' : '?'}options=-csearch_path%3D${schema}`;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Asks until `check` answers something, or fails with what was waited for. */
export async function eventually(what, check, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      const answer = await check();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await pause(50);
  }
  throw new Error(`waited ${seconds} s in vain for ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
}

export const person = { name: 'Ada Lovelace', email: 'ada@example.org', password: 'correct horse battery' };

export class Gantry {
  /** Starts a server on a fresh data directory. */
  static async start(environment = {}) {
    if (!existsSync(binary)) throw new Error(`no ${binary}: cargo build --release --package gantry-cli, or name another with GANTRY_BIN`);
    const gantry = new Gantry();
    gantry.data = mkdtempSync(join(tmpdir(), 'gantry-e2e-'));
    gantry.port = await freePort();
    gantry.url = `http://127.0.0.1:${gantry.port}`;
    gantry.environment = environment;
    gantry.log = '';
    await gantry.launch();
    return gantry;
  }

  /** Starts the process, again after a kill, on the same data and port. */
  async launch(words = ['serve']) {
    this.process = spawn(binary, words, {
      env: {
        ...process.env,
        GANTRY_LISTEN: `127.0.0.1:${this.port}`,
        GANTRY_DATA: this.data,
        // Where the machine's engine cannot give build steps a network of their own.
        GANTRY_BUILD_NETWORK: process.env.GANTRY_BUILD_NETWORK ?? 'host',
        ...this.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const take = (bytes) => (this.log += bytes);
    this.process.stdout.on('data', take);
    this.process.stderr.on('data', take);
    this.exited = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve(signal ?? code)));
    let ended;
    this.exited.then((how) => (ended = how));
    await eventually('the server to be ready', async () => {
      if (ended !== undefined) throw new Error(`the server ended with ${ended}:\n${this.log}`);
      return (await fetch(`${this.url}/readyz`)).ok;
    });
  }

  /** Ends the process as a power cut would. */
  async kill() {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  /** Ends the process politely and removes its data. */
  async stop() {
    this.process.kill('SIGTERM');
    const how = await Promise.race([this.exited, pause(10_000).then(() => 'too slow')]);
    if (how === 'too slow') await this.kill();
    rmSync(this.data, { recursive: true, force: true });
    return how;
  }

  /** The link that the server printed for making the first account. */
  setupLink() {
    const found = this.log.match(/http:\/\/\S+\/setup[?#]token=\S+/);
    if (!found) throw new Error(`the server printed no set-up link:\n${this.log}`);
    return found[0];
  }

  /** Makes the first account and a token, over the API; later calls of `api` use the token. */
  async setUp() {
    const token = this.setupLink().split('token=')[1];
    const made = await this.raw('POST', '/setup', { token, ...person });
    const cookie = made.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
    const me = await made.json();
    if (made.status !== 201) throw new Error(`setting up answered ${made.status}: ${JSON.stringify(me)}`);
    const answer = await this.raw('POST', '/tokens', { name: 'e2e', scopes: ['read', 'write', 'build', 'publish', 'admin'] }, { cookie, 'x-gantry-csrf': me.csrfToken });
    const created = await answer.json();
    if (!answer.ok) throw new Error(`making a token answered ${answer.status}: ${JSON.stringify(created)}`);
    this.token = created.secret;
  }

  raw(method, path, body, headers = {}) {
    return fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { origin: this.url, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  /** Calls the API with the token; an answer that is not a success is an error with its problem. */
  async api(method, path, body, headers = {}) {
    const answer = await this.raw(method, path, body, { authorization: `Bearer ${this.token}`, ...headers });
    const text = await answer.text();
    if (!answer.ok) throw Object.assign(new Error(`${method} ${path} answered ${answer.status}: ${text}`), { status: answer.status, problem: text });
    return text ? JSON.parse(text) : undefined;
  }

  /** Makes a project from a sentence. */
  async project(prompt, name, framework = 'react') {
    const plan = await this.api('POST', '/plans', { prompt, constraints: { name, framework } });
    return this.api('POST', '/projects', { spec: plan.spec });
  }

  /** Makes a project with a tool that reads and one that needs a person. */
  async projectWithTools(name) {
    const { spec } = await this.api('POST', '/plans', { prompt: 'Answers questions.', constraints: { name, framework: 'react' } });
    const builtin = (id, effect, tool, property, description) => ({
      id, effect, name: tool, kind: 'builtin', description: `Uses ${tool}.`,
      parameters: { type: 'object', properties: { [property]: { type: 'string', description } }, required: [property], additionalProperties: false },
    });
    spec.target.pattern = 'react';
    spec.tools = [
      builtin('calculator', 'read', 'calculator', 'expression', 'Numbers, + - * / // % ** and parentheses.'),
      builtin('count', 'write', 'text_statistics', 'text', 'The text to count.'),
    ];
    spec.agents[0].tools = ['calculator', 'count'];
    return this.api('POST', '/projects', { spec });
  }

  /** All events of a job so far, read page by page. While the job lives, more may always come. */
  async events(job) {
    const events = [];
    for (;;) {
      const page = await this.api('GET', `/jobs/${job}/events?after=${events.length ? events.at(-1).seq : 0}`);
      events.push(...page.items);
      if (page.items.length === 0 || page.nextCursor == null) return events;
    }
  }

  /** Waits until a job has ended and returns it. */
  ended(job, seconds = 120) {
    return eventually(`job ${job} to end`, async () => {
      const now = await this.api('GET', `/jobs/${job}`);
      return ['done', 'failed', 'cancelled'].includes(now.state) ? now : undefined;
    }, seconds);
  }

  /** Runs the command line against this server. */
  command(...words) {
    return new Promise((resolve) => {
      const child = spawn(binary, words, { cwd: this.data, env: { ...process.env, GANTRY_URL: this.url, GANTRY_TOKEN: this.token ?? '' }, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      let errors = '';
      child.stdout.on('data', (bytes) => (output += bytes));
      child.stderr.on('data', (bytes) => (errors += bytes));
      child.once('exit', (code) => resolve({ code, output, errors }));
    });
  }
}
