import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FolderStore } from './folder-store.ts';
import { claimFile } from './lock-file.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'lock-'));

/** A process that opens run `r` below `root`, says so or why not, and keeps it until it is killed. */
function opener(root: string) {
  const store = resolve('src/storage/node/folder-store.ts');
  const script = `
    import { createServer } from 'vite';
    const server = await createServer({ configFile: 'vite.config.ts', server: { middlewareMode: true, hmr: false, ws: false }, optimizeDeps: { noDiscovery: true, include: [] }, logLevel: 'error' });
    const { FolderStore } = await server.ssrLoadModule(${JSON.stringify(store)});
    await new FolderStore(${JSON.stringify(root)}).open('r').then(
      () => console.log('open'),
      (error) => console.log('refused ' + error.message),
    );
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = new Promise<string>((done) =>
    child.stdout.once('data', (data: Buffer) => done(data.toString().trim())),
  );
  const gone = new Promise((done) => child.once('exit', done));
  return {
    pid: child.pid,
    said,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

describe('a run folder', () => {
  it('is written by one of several processes that open it at once; the others name it', async () => {
    const root = folder();
    const all = Array.from({ length: 4 }, () => opener(root));
    const said = await Promise.all(all.map((one) => one.said));
    const owners = all.filter((_, i) => said[i] === 'open');
    expect(owners).toHaveLength(1);
    for (const line of said.filter((one) => one !== 'open'))
      expect(line).toMatch(
        new RegExp(`is being written by process ${owners[0]!.pid} on ${hostname()}; wait until`),
      );
    await Promise.all(all.map((one) => one.kill()));
    // Killed without a word: the next one takes the folder over.
    const run = await new FolderStore(root).open('r');
    await expect(new FolderStore(root).open('r')).rejects.toThrow(/is being written by process/);
    await run.close();
    await (await new FolderStore(root).open('r')).close();
  });

  it('is free when its process is gone and another has got its number', async () => {
    const root = folder();
    mkdirSync(join(root, 'r'));
    const lock = join(root, 'r', 'run.lock');
    const owner = { host: hostname(), token: 'a', began: 'another boot 1' };
    for (const pid of [process.pid, process.ppid]) {
      writeFileSync(lock, JSON.stringify({ ...owner, pid }));
      await (await new FolderStore(root).open('r')).close();
    }
  });

  it('is not taken from another machine that touched its lock lately', async () => {
    const root = folder();
    const lock = join(root, 'lock');
    writeFileSync(lock, JSON.stringify({ host: 'elsewhere', token: 'a', pid: 1 }));
    expect(await claimFile(lock)).toBeNull();
    expect(readFileSync(lock, 'utf8')).toContain('elsewhere');
  });
});
