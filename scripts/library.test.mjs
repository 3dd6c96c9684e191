import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';
import { bin, root } from './set-up.mjs';

/*
 * The packed library in a project of its own, its dependencies those of this repository: what
 * `npm install afterthought-….tgz` gives, without asking the registry.
 */

const project = mkdtempSync(join(tmpdir(), 'library-'));
const write = (name, text) => writeFileSync(join(project, name), text);
const node = (args) =>
  execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8', stdio: 'pipe' });

beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'scripts/build-lib.mjs')], { cwd: root });
  execFileSync('npm', ['pack', join(root, 'dist-lib'), '--silent'], { cwd: project });
  const [tarball] = readdirSync(project);
  execFileSync('tar', ['-xzf', tarball], { cwd: project });
  const modules = join(project, 'node_modules');
  mkdirSync(modules);
  cpSync(join(project, 'package'), join(modules, 'afterthought'), { recursive: true });
  const { dependencies } = JSON.parse(
    readFileSync(join(modules, 'afterthought/package.json'), 'utf8'),
  );
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  write('package.json', '{"type":"module"}');
}, 120_000);

describe('the packed library', () => {
  it('judges a program under Node, and says which assert failed', () => {
    write(
      'judge.js',
      `import { createNodeSandbox } from 'afterthought/sandbox';
       const sandbox = createNodeSandbox({ workers: 1 });
       const verdict = await sandbox.grade({
         solution: 'def f(x): return x + 1',
         asserts: ['assert f(1) == 2', 'assert f(2) == 4'],
         setup: '', setupAfterSolution: false, timeoutSeconds: 20,
       });
       console.log(JSON.stringify([verdict.status, verdict.asserts.map((a) => [a.status, a.actual])]));
       await sandbox.close();`,
    );
    expect(JSON.parse(node(['judge.js']))).toEqual(['fail', [['pass', '2'], ['fail', '3']]]); // prettier-ignore
  });

  it('scores with nano where there is an adapter, and loads its tokenizer everywhere', () => {
    write(
      'score.js',
      `import { loadTokenizer, nanoSource, nodeGpu, openEngine } from 'afterthought/engine';
       const tokenizer = await loadTokenizer(nanoSource());
       const ids = tokenizer.encode('def f(x):\\n    return x\\n');
       const gpu = nodeGpu();
       const adapter = await gpu.requestAdapter().catch(() => null);
       let logprobs = null;
       if (adapter) {
         const engine = await openEngine({ gpu, source: nanoSource(), weights: null });
         const [score] = await engine.score([{ ids, promptLength: 1, adapter: 'none' }]);
         logprobs = [...score.logprobs];
         engine.destroy();
       }
       console.log(JSON.stringify({ ids: ids.length, logprobs }));
       process.exit(0);`,
    );
    const { ids, logprobs } = JSON.parse(node(['score.js']).trim().split('\n').at(-1));
    expect(ids).toBeGreaterThan(3);
    if (logprobs === null) return console.warn('skipped: no adapter under Node, nothing scored');
    expect(logprobs).toHaveLength(ids - 1);
    for (const value of logprobs) expect(value).toBeLessThanOrEqual(0);
  });

  it('reads a log, in Node and out of a bundle', async () => {
    const line = '{"seq":0,"time":1,"type":"warning.raised","message":"m"}';
    write('log.js', `import { parseLog } from 'afterthought/runs';
      console.log(parseLog(new TextEncoder().encode(${JSON.stringify(line + '\n')})).events.length);`); // prettier-ignore
    expect(node(['log.js']).trim()).toBe('1');
    write(
      'main.js',
      `import { openEngine, httpSource } from 'afterthought/engine';
       import { createBrowserSandbox, fetchPyodide, openSandboxFrame } from 'afterthought/sandbox';
       import { parseLog } from 'afterthought/runs';
       globalThis.lab = { openEngine, httpSource, createBrowserSandbox, fetchPyodide, openSandboxFrame, parseLog };`,
    );
    write('index.html', '<script type="module" src="/main.js"></script>');
    await build({ root: project, logLevel: 'error', configFile: false });
    const [bundle] = readdirSync(join(project, 'dist/assets')).filter((f) => f.endsWith('.js'));
    const text = readFileSync(join(project, 'dist/assets', bundle), 'utf8');
    expect(text.includes('workgroup_size'), 'the kernels are in the bundle').toBe(true);
    expect(/node:(fs|child_process)/.test(text), 'nothing of Node is in it').toBe(false);
  });

  it('has types that a strict project compiles against', () => {
    write(
      'use.ts',
      `import { nanoSource, nodeGpu, openEngine, type Engine } from 'afterthought/engine';
       import { createNodeSandbox } from 'afterthought/sandbox';
       import { parseLog, type RunConfig } from 'afterthought/runs';
       const engine: Engine = await openEngine({ gpu: nodeGpu(), source: nanoSource(), weights: null });
       const scores: Promise<readonly { readonly logprobs: Float32Array }[]> = engine.score([]);
       // @ts-expect-error a number is no program
       void createNodeSandbox().grade(1);
       const rank: (config: RunConfig) => number = (config) => config.lora.rank;
       export { scores, rank, parseLog };`,
    );
    write(
      'tsconfig.json',
      JSON.stringify({
        compilerOptions: {
          strict: true,
          target: 'es2023',
          module: 'nodenext',
          moduleResolution: 'nodenext',
          noEmit: true,
          skipLibCheck: true,
          types: ['@webgpu/types'],
        },
        include: ['use.ts'],
      }),
    );
    let said = '';
    try {
      node([bin('typescript', 'bin/tsc'), '-p', '.']);
    } catch (error) {
      said = error.stdout;
    }
    expect(said).toBe('');
  });
});
