import { spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, expect, it } from 'vitest';
import { writeWhole } from './io.ts';

const folder = mkdtempSync(join(tmpdir(), 'afterthought-io-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('replaces a file of results as a whole, through a link too, and leaves nothing beside it', async () => {
  const file = join(folder, 'results.jsonl');
  writeFileSync(file, 'old');
  symlinkSync(file, join(folder, 'link'));
  await writeWhole(join(folder, 'link'), 'new');
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(readdirSync(folder).sort()).toEqual(['link', 'results.jsonl']);
});

it('leaves the old file as it was where no more can be written, and says so', () => {
  const own = mkdtempSync(join(folder, 'full-'));
  const file = join(own, 'report.html');
  writeFileSync(file, 'old');
  const built = join(folder, 'io.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('io.ts', import.meta.url))],
    outfile: built,
    bundle: true,
    format: 'esm',
    platform: 'node',
  });
  const script = `
    import { writeWhole } from ${JSON.stringify(pathToFileURL(built).href)};
    process.on('SIGXFSZ', () => {});
    await writeWhole(${JSON.stringify(file)}, 'x'.repeat(200_000)).catch((error) => {
      console.log(error.message);
    });`;
  // A limit on the size of files stands in for a full disk: the write fails when it has begun.
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', 'ulimit -f 8; exec "$0" --input-type=module -e "$1"', process.execPath, script],
    { encoding: 'utf8' },
  );
  expect(stdout, stderr).toMatch(
    /report\.html cannot be written: .* The file that was there is unchanged\./,
  );
  expect(readFileSync(file, 'utf8')).toBe('old');
  expect(readdirSync(own)).toEqual(['report.html']);
});
