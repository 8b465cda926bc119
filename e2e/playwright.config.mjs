// The tests in a real browser. Nothing is downloaded: the browser is the system's Chromium.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: './tests',
  outputDir: './test-results/traces',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // One server and one story at a time: the machine may have two cores, and builds need them.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  // The second time is on a server of its own; the summary of `make test` names the stories that needed it.
  retries: 1,
  reporter: [['list'], ['json', { outputFile: './test-results/report.json' }]],
  projects: [
    { name: 'browser', testMatch: /browser\/.*\.spec\.mjs/ },
    { name: 'command_line', testMatch: /command_line\/.*\.spec\.mjs/ },
    { name: 'protocol', testMatch: /protocol\/.*\.spec\.mjs/ },
    { name: 'kill', testMatch: /kill\/.*\.spec\.mjs/, timeout: 240_000 },
    // A trace records the page while it is measured.
    { name: 'bench', testMatch: /bench\/.*\.spec\.mjs/, timeout: 240_000, retries: 0, use: { trace: 'off' } },
  ],
  use: {
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'],
    },
    trace: 'retain-on-failure',
  },
});
