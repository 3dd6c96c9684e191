import { defineConfig } from '@playwright/test';
import { existsSync } from 'node:fs';

/** `npm test` looks for a free one. */
const port = Number(process.env['AFTERTHOUGHT_PORT'] ?? 5199);
const debian = '/usr/bin/chromium';
const browser =
  process.env['AFTERTHOUGHT_CHROMIUM'] ??
  process.env['CHROMIUM_PATH'] ??
  (existsSync(debian) ? debian : undefined);

export default defineConfig({
  testDir: 'e2e',
  // Software adapters: one page at a time has both cores.
  workers: 1,
  timeout: 240_000,
  expect: { timeout: 30_000 },
  // Shared machines stall: a flow that fails is tried once more, and reported as flaky.
  retries: process.env['CI'] ? 1 : 0,
  reporter: 'list',
  outputDir: 'test-results/e2e',
  use: {
    baseURL: `http://localhost:${port}/`,
    viewport: { width: 1440, height: 900 },
    actionTimeout: 30_000,
    trace: process.env['CI'] ? 'off' : 'retain-on-failure',
    launchOptions: {
      ...(browser ? { executablePath: browser } : {}),
      // With these alone headless Chromium offers WebGPU, on SwiftShader where there is no GPU.
      args: [
        '--no-sandbox',
        '--enable-unsafe-webgpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  webServer: {
    // What a stranger types is what is tested.
    command: `node scripts/start.mjs --port ${port} --strictPort`,
    cwd: import.meta.dirname,
    url: `http://localhost:${port}/`,
    reuseExistingServer: false,
    timeout: 120_000,
  },
});
