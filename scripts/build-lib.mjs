// npm run build:lib: the library as a package in dist-lib/, ready for `npm pack ./dist-lib`. Its modules
// are bundled with esbuild, one an entry with shared chunks; its types are the compiler's.
import { build } from 'esbuild';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, root, run } from './set-up.mjs';

const out = join(root, 'dist-lib');
const entries = ['engine', 'engine-node', 'sandbox', 'sandbox-node', 'runs'];
/** Entry points of the package: what Node gets, and what everything else gets. */
const exported = { engine: 'engine-node', sandbox: 'sandbox-node', runs: 'runs' };

rmSync(out, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: entries.map((name) => join(root, 'src/library', `${name}.ts`)),
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2023',
  packages: 'external',
  loader: { '.wgsl': 'text', '.py': 'text' },
  external: ['node:*'],
  chunkNames: 'chunks/[hash]',
  sourcemap: true,
  sourcesContent: true,
  metafile: true,
  logLevel: 'error',
});

const { code } = await run(
  process.execPath,
  [bin('typescript', 'bin/tsc'), '--project', join(root, 'tsconfig.lib.json')],
  {},
);
if (code !== 0) process.exit(1);
const types = join(out, 'types');
for (const file of readdirSync(types, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.d.ts')) continue;
  const text = readFileSync(join(types, file), 'utf8');
  writeFileSync(join(types, file), text.replace(/(['"])(\.{1,2}\/[^'"]+)\.tsx?\1/g, '$1$2.js$1'));
}

const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** Packages that the bundles import, at the versions of this repository. */
const imported = new Set(
  Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path }) => packageOf(path)),
  ),
);
// Resolved at run time, by its folder: its files are read, never imported.
imported.add('pyodide');
const dependencies = Object.fromEntries(
  Object.entries(own.dependencies).filter(([name]) => imported.has(name)),
);
writeFileSync(
  join(out, 'package.json'),
  JSON.stringify(
    {
      name: own.name,
      version: own.version,
      description: own.description,
      license: own.license,
      type: 'module',
      engines: own.engines,
      exports: Object.fromEntries(
        Object.entries(exported).map(([name, node]) => [
          `./${name}`,
          {
            node: { types: `./types/src/library/${node}.d.ts`, default: `./${node}.js` },
            default: { types: `./types/src/library/${name}.d.ts`, default: `./${name}.js` },
          },
        ]),
      ),
      sideEffects: false,
      dependencies: { ...dependencies, '@webgpu/types': own.devDependencies['@webgpu/types'] },
    },
    null,
    2,
  ) + '\n',
);
cpSync(join(root, 'public/models/nano'), join(out, 'models/nano'), { recursive: true });
for (const name of ['LICENSE', 'docs/library.md'])
  cpSync(join(root, name), join(out, name === 'LICENSE' ? name : 'README.md'));
console.log(`dist-lib holds ${own.name} ${own.version}; pack it with: npm pack ./dist-lib`);

function packageOf(path) {
  const parts = path.split('/');
  return path.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}
