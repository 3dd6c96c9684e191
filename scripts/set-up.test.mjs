import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packagesAreCurrent, run } from './set-up.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'afterthought-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(wanted, present) {
  mkdirSync(join(folder, 'node_modules/a'), { recursive: true });
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  writeFileSync(
    join(folder, 'node_modules/.package-lock.json'),
    JSON.stringify({ packages: present }),
  );
}

describe('deciding whether packages must be installed', () => {
  it('finds them missing on a fresh clone', () => {
    expect(packagesAreCurrent(folder)).toBe(false);
  });

  it('leaves packages alone that are those of the lock file, whatever the files’ times', () => {
    write(
      { '': {}, 'node_modules/a': { version: '1.0.0' } },
      { 'node_modules/a': { version: '1.0.0' } },
    );
    expect(packagesAreCurrent(folder)).toBe(true);
  });

  it('sees another version', () => {
    write({ 'node_modules/a': { version: '1.0.1' } }, { 'node_modules/a': { version: '1.0.0' } });
    expect(packagesAreCurrent(folder)).toBe(false);
  });

  it('sees a package whose folder was deleted', () => {
    write({ 'node_modules/b': { version: '1.0.0' } }, { 'node_modules/b': { version: '1.0.0' } });
    expect(packagesAreCurrent(folder)).toBe(false);
  });

  it('does not ask for optional packages made for other systems', () => {
    write({ 'node_modules/b': { version: '1.0.0', optional: true } }, {});
    expect(packagesAreCurrent(folder)).toBe(true);
  });
});

describe('running a part of the tests', () => {
  it('hands on its exit code', async () => {
    expect(await run(process.execPath, ['-e', 'process.exit(3)'])).toMatchObject({
      code: 3,
      timedOut: false,
    });
  });

  it('kills one that hangs, and says so', async () => {
    const result = await run(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      limitSeconds: 0.5,
    });
    expect(result).toMatchObject({ code: null, timedOut: true });
  });

  it('reports one that cannot be started', async () => {
    const { code, error } = await run(join(folder, 'missing'), []);
    expect(code).toBeNull();
    expect(error?.message).toContain('ENOENT');
  });
});
