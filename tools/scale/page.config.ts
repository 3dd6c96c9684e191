import { defineConfig } from '@playwright/test';
import flows from '../../playwright.config.ts';

/**
 * The page with a model of true size: `AFTERTHOUGHT_MODEL=DIR npx playwright test -c
 * tools/scale/page.config.ts`.
 */
export default defineConfig(flows, {
  testDir: '.',
  testMatch: ['page.ts', 'checkpoint.ts'],
  timeout: 3_600_000,
  retries: 0,
  outputDir: '../../test-results/scale',
  use: { trace: 'off', screenshot: 'only-on-failure' },
});
