// Which folder of src/ may import which: downward only, as docs/architecture.md draws it. Read by
// eslint.config.js and by the test that proves forbidden imports are caught.
import { dirname, relative, resolve, sep } from 'node:path';
import { root } from './set-up.mjs';

/**
 * Folder of src/ to the other folders (or parts of one) it may import from; its own is always
 * allowed.
 */
export const MAY_IMPORT = {
  lib: [],
  settings: ['lib'],
  schema: ['lib', 'settings'],
  compare: ['lib', 'settings', 'schema'],
  gpu: ['lib', 'settings', 'schema'],
  kernels: ['lib', 'settings', 'schema', 'gpu'],
  model: ['lib', 'settings', 'schema', 'gpu', 'kernels'],
  sandbox: ['lib', 'settings', 'schema'],
  storage: ['lib', 'settings', 'schema', 'model'],
  data: ['lib', 'settings', 'schema', 'model', 'sandbox'],
  eval: ['lib', 'settings', 'schema', 'model', 'data', 'sandbox', 'storage'],
  methods: [
    'lib',
    'settings',
    'schema',
    'gpu',
    'kernels',
    'model',
    'data',
    'sandbox',
    'storage',
    'eval',
  ],
  session: [
    'lib',
    'settings',
    'schema',
    'compare',
    'gpu',
    'kernels',
    'model',
    'data',
    'sandbox',
    'storage',
    'eval',
    'methods',
  ],
  cli: [
    'lib',
    'settings',
    'schema',
    'compare',
    'gpu',
    'kernels',
    'model',
    'data',
    'sandbox',
    'storage',
    'eval',
    'methods',
    'session',
  ],
  // What the package gives to others; nothing here imports it.
  library: ['lib', 'settings', 'schema', 'compare', 'gpu', 'model', 'sandbox', 'storage'],
  state: ['lib', 'settings', 'schema', 'compare'],
  // The page owns the sandbox's frame: a worker cannot make one.
  ui: ['lib', 'settings', 'schema', 'compare', 'state', 'sandbox/browser'],
  // A report reads the files that it holds by itself.
  viewer: ['lib', 'settings', 'schema', 'compare', 'storage', 'state', 'ui'],
};

/**
 * Folders that run in a worker or under Node alike: no DOM, no React, no store, no Node built-ins.
 */
export const PORTABLE = [
  'lib',
  'settings',
  'schema',
  'compare',
  'gpu',
  'kernels',
  'model',
  'data',
  'sandbox',
  'storage',
  'eval',
  'methods',
];

/** Implementations for one platform, handed in by the session's callers. */
export const PLATFORM_FILES = [
  'src/**/node/**',
  'src/**/browser/**',
  'src/**/node-*.ts',
  'src/**/*-node.ts',
];

export const TESTS = ['**/*.test.{ts,tsx,mjs}', '**/testing/**', '**/fixtures/**'];

/** Path below src/ with forward slashes, or undefined outside it. */
function belowSource(file) {
  const path = relative(resolve(root, 'src'), file).split(sep).join('/');
  return path.startsWith('..') ? undefined : path;
}

/** ESLint rule: relative imports, types included, stay within MAY_IMPORT. */
const downward = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      upward: 'src/{{from}} may not import "{{path}}": {{rule}} (scripts/boundaries.mjs).',
    },
  },
  create(context) {
    const from = belowSource(context.filename)?.split('/')[0];
    const allowed = MAY_IMPORT[from];
    if (!allowed) return {};
    const rule =
      allowed.length > 0
        ? `it may import ${allowed.join(', ')} only`
        : 'it may import no other folder';
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string' || !specifier.startsWith('.')) return;
      const path = belowSource(resolve(dirname(context.filename), specifier));
      if (path === undefined || [from, ...allowed].some((folder) => path.startsWith(`${folder}/`)))
        return;
      context.report({ node, messageId: 'upward', data: { from, path, rule } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };
  },
};

export const boundaries = { rules: { downward } };
