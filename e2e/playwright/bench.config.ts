// Measurements in the browser: make bench. They print figures and judge nothing; the machine may be busy.
import base from './playwright.config';

export default {
  ...base,
  testMatch: '*.bench.ts',
  workers: 1,
  timeout: 180_000,
  reporter: 'list',
  use: { ...base.use, trace: 'off' as const },
};
