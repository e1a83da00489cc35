import { defineConfig } from './fixture';

export default defineConfig({
  testDir: '.',
  outputDir: 'results',
  forbidOnly: !!process.env.CI,
  workers: 2,
  // No test measures time; a busy machine must not decide.
  expect: { timeout: 30_000 },
  timeout: 240_000,
  reporter: process.env.CI ? [['list'], ['github']] : 'list',
  use: {
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      // No sandbox, because CI runs as root; the rest keeps Chromium from calling anywhere but this machine.
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
