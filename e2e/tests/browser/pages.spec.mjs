// Every page: accessible in light and dark, no wider than a phone, no error in the console.
import { expect, lookOver, settled, test } from '../../support/browser.mjs';

let project;
test.beforeAll(async ({ gantry }) => {
  project = await gantry.project('Answer questions about the weather in a city.', 'weather');
  const run = await gantry.api('POST', `/projects/${project.id}/runs`, { input: 'How is the weather in Oslo?', mode: 'dev' });
  expect((await gantry.ended(run.jobId)).state).toBe('done');
  await gantry.api('POST', '/registries', { name: 'local', address: '127.0.0.1:5000', plainHttp: true });
  await gantry.api('POST', '/providers', { name: 'ollama', baseUrl: 'http://127.0.0.1:11434/v1', defaultModel: 'llama', key: 'not-a-real-key' });
  await gantry.api('POST', '/secrets', { name: 'team/key', value: 'not-a-real-secret' });
});

const pages = {
  projects: '/projects',
  'projects-no-match': '/projects?q=nothing-is-called-this',
  'new-project': '/projects/new',
  overview: '/projects/weather',
  chat: '/projects/weather/chat',
  runs: '/projects/weather/runs',
  test: '/test',
  pipeline: '/projects/weather/pipeline',
  files: '/projects/weather/files',
  file: '/projects/weather/files/agent.gantry.yaml',
  builds: '/projects/weather/builds',
  images: '/projects/weather/images',
  'project-settings': '/projects/weather/settings',
  activity: '/activity',
  providers: '/settings/providers',
  registries: '/settings/registries',
  secrets: '/settings/secrets',
  tokens: '/settings/tokens',
  system: '/settings/system',
  preferences: '/settings/preferences',
  'no-such-project': '/projects/nobody',
  'no-such-page': '/nowhere/at/all',
};

for (const [name, address] of Object.entries(pages)) {
  test(`${name} is accessible in light and dark and fits a phone`, async ({ page }) => {
    await page.goto(address);
    await expect(page.getByRole('heading').first()).toBeVisible();
    await settled(page);
    await lookOver(page, name);
  });
}
