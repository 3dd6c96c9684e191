import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadPyodide } from 'pyodide';
import { expect, it } from 'vitest';

/*
 * The generator of problems and corpus is Python without dependencies, so its own tests run here
 * too, in Pyodide: that no starter problem occurs in pre-training, that the committed files are
 * what the generator makes, that the corpus is the recorded one.
 */
/** What is used of Emscripten's file system; Pyodide types it as `any`. */
interface FileSystem {
  mkdirTree(path: string): void;
  writeFile(path: string, data: Uint8Array): void;
  chdir(path: string): void;
}

const here = dirname(fileURLToPath(import.meta.url));
const python = await loadPyodide();
const files = python.FS as FileSystem;
for (const [from, to] of [
  [here, '/lab/tools/nano'],
  [join(here, '../../public/problems'), '/lab/public/problems'],
] as const) {
  files.mkdirTree(to);
  for (const name of readdirSync(from)) {
    if (/\.(py|jsonl|jsonl\.gz)$/.test(name))
      files.writeFile(`${to}/${name}`, readFileSync(join(from, name)));
  }
}
files.chdir('/lab/tools/nano');
const names = (
  python.runPython(`
import sys, unittest
sys.path.insert(0, ".")
import test_generator
suite = unittest.defaultTestLoader.loadTestsFromModule(test_generator)
tests = {test.id(): test for group in suite for test in group}
"\\n".join(tests)
`) as string
).split('\n');

it.each(names)('%s', (name) => {
  const failure = python.runPython(`
result = unittest.TestResult()
tests[${JSON.stringify(name)}].run(result)
"\\n".join(text for _, text in result.failures + result.errors)
`) as string;
  expect(failure).toBe('');
});
