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
 * Wings of a folder, each with the wings of the same folder that it may import from. A wing never
 * imports the files above the wings (src/model/engine.ts), which may import every wing.
 */
export const WINGS = {
  model: {
    weights: [],
    text: ['weights'],
    forward: ['weights'],
    train: ['weights', 'forward'],
    decode: ['weights', 'forward'],
    plan: ['weights', 'forward', 'train', 'decode'],
  },
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

/**
 * What a file below src/ may import: `allowed` are the paths below src/ that its imports may start
 * with, `said` says so; null where nothing is ruled.
 */
function limitsOf(file) {
  const [folder, wing, ...inWing] = (belowSource(file) ?? '').split('/');
  const folders = MAY_IMPORT[folder];
  if (!folders) return null;
  const others = folders.map((name) => `${name}/`);
  const said =
    folders.length > 0
      ? `it may import ${folders.join(', ')} only`
      : 'it may import no other folder';
  const wings = WINGS[folder];
  if (!wings || inWing.length === 0)
    return { from: folder, allowed: [`${folder}/`, ...others], said };
  const below = wings[wing] ?? [];
  return {
    from: `${folder}/${wing}`,
    allowed: [...[wing, ...below].map((name) => `${folder}/${name}/`), ...others],
    said: `${said}, and of src/${folder} ${below.join(', ') || 'nothing but its own wing'}`,
  };
}

/** ESLint rule: relative imports, types included, stay within MAY_IMPORT and WINGS. */
const downward = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      upward: 'src/{{from}} may not import "{{path}}": {{said}} (scripts/boundaries.mjs).',
    },
  },
  create(context) {
    const limits = limitsOf(context.filename);
    if (!limits) return {};
    const { from, allowed, said } = limits;
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string' || !specifier.startsWith('.')) return;
      const path = belowSource(resolve(dirname(context.filename), specifier));
      if (path === undefined || allowed.some((start) => path.startsWith(start))) return;
      context.report({ node, messageId: 'upward', data: { from, path, said } });
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
