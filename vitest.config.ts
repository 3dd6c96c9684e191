import { defineConfig } from 'vitest/config';
import { textFiles } from './vite.config.ts';

export default defineConfig({
  plugins: [textFiles()],
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'scripts/**/*.test.mjs', 'tools/**/*.test.{ts,mjs}'],
    // One process a file: Dawn keeps its instance for the life of a process, and a lost device
    // stays with its file.
    pool: 'forks',
    maxWorkers: 2,
    // Limits end what hangs; software adapters may share their cores with anything.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 20_000,
  },
});
