// Which folder of src/ may import which: downward only, as docs/architecture.md draws it. Read by eslint.config.js and
// by the test that proves forbidden imports are caught.

/** Folder of src/ to the other folders it may import from; its own is always allowed. */
export const MAY_IMPORT = {
  lib: [],
  schema: ['lib'],
  gpu: ['lib', 'schema'],
  kernels: ['lib', 'schema', 'gpu'],
  model: ['lib', 'schema', 'gpu', 'kernels'],
  data: ['lib', 'schema', 'model', 'sandbox'],
  sandbox: ['lib', 'schema'],
  storage: ['lib', 'schema', 'model'],
  eval: ['lib', 'schema', 'model', 'data', 'sandbox', 'storage'],
  methods: ['lib', 'schema', 'gpu', 'kernels', 'model', 'data', 'sandbox', 'storage', 'eval'],
  session: ['lib', 'schema', 'gpu', 'kernels', 'model', 'data', 'sandbox', 'storage', 'eval', 'methods'],
  cli: ['lib', 'schema', 'gpu', 'kernels', 'model', 'data', 'sandbox', 'storage', 'eval', 'methods', 'session'],
  state: ['lib', 'schema'],
  // The page owns the sandbox's frame: a worker cannot make one.
  ui: ['lib', 'schema', 'state', 'sandbox/browser'],
};

/** Folders that run in a worker or under Node alike: no DOM, no React, no store, no Node built-ins. */
export const PORTABLE = ['lib', 'schema', 'gpu', 'kernels', 'model', 'data', 'sandbox', 'storage', 'eval', 'methods'];

/** Implementations for one platform, handed in by the session's callers. */
export const PLATFORM_FILES = ['src/**/node/**', 'src/**/browser/**', 'src/**/node-*.ts', 'src/**/*-node.ts'];

export const TESTS = ['**/*.test.{ts,tsx,mjs}', '**/testing/**'];

/** Zones of `import-x/no-restricted-paths`. */
export function zones() {
  return Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
    target: `./src/${folder}`,
    from: './src',
    except: [folder, ...allowed].map((name) => `./${name}`).concat('./assets.d.ts'),
    message: `src/${folder} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other folder'} only (scripts/boundaries.mjs).`,
  }));
}
