import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CatalogEntry } from '../data/catalog.ts';
import { readProblems } from '../data/datasets.ts';
import { cachedFiles } from './dataset-cache.ts';

const row = (id: number) => ({
  task_id: id,
  text: `Task ${id}.`,
  code: 'def f(): return 1',
  test_list: ['assert f() == 1'],
});

/** The starter's first problems in the hub's form: a column of lists, 64-bit ids. */
function parquet(): Uint8Array<ArrayBuffer> {
  const rows = [row(601), row(609)];
  const columnData = [
    { name: 'task_id', data: rows.map((r) => BigInt(r.task_id)), type: 'INT64' as const },
    { name: 'text', data: rows.map((r) => r.text), type: 'STRING' as const },
    { name: 'code', data: rows.map((r) => r.code), type: 'STRING' as const },
    { name: 'test_list', data: rows.map((r) => r.test_list), type: 'JSON' as const },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('named data sets', () => {
  let server: Server;
  let hub: string;
  let folder: string;
  let asked: string[];
  let announce: string | undefined;
  let body: Uint8Array<ArrayBuffer>;
  const entry: CatalogEntry = {
    name: 'tiny',
    problems: 2,
    trains: false,
    files: [{ host: 'hub', path: 'datasets/a/b/resolve/x%2Fy/0000.parquet' }],
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'datasets-'));
    asked = [];
    body = parquet();
    announce = hash(body);
    // As the hub does: the hash is announced by the answer that redirects to where the bytes are.
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/bytes') return response.end(body);
      if (request.url === '/gone') return response.writeHead(404).end();
      response.writeHead(302, {
        location: '/bytes',
        ...(announce === undefined ? {} : { 'x-linked-etag': `"${announce}"` }),
      });
      response.end();
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    hub = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((closed) => server.close(closed)));

  it('are fetched once, kept, and read from parquet', async () => {
    const [bytes] = await cachedFiles(entry, { folder, hosts: { hub } });
    const problems = await readProblems(bytes!, 'tiny');
    expect(problems.map((p) => [p.id, p.text, p.shown, p.split])).toEqual([
      ['mbpp/601', 'Task 601.', ['assert f() == 1'], 'train'],
      ['mbpp/609', 'Task 609.', ['assert f() == 1'], 'train'],
    ]);
    await cachedFiles(entry, { folder, hosts: { hub } });
    expect(asked).toEqual(['/datasets/a/b/resolve/x%2Fy/0000.parquet', '/bytes']);
  });

  it('are fetched again when the kept file is not what came', async () => {
    await cachedFiles(entry, { folder, hosts: { hub } });
    const path = join(folder, 'tiny', readdirSync(join(folder, 'tiny'))[0]!);
    writeFileSync(path, 'spoilt');
    const [bytes] = await cachedFiles(entry, { folder, hosts: { hub } });
    expect(hash(bytes!)).toBe(announce);
    expect(hash(readFileSync(path))).toBe(announce);
    expect(asked.filter((url) => url === '/bytes')).toHaveLength(2);
  });

  it('are refused with a sentence when the hash is wrong, the file is missing or nobody answers', async () => {
    announce = 'f'.repeat(64);
    await expect(cachedFiles(entry, { folder, hosts: { hub } })).rejects.toThrow(
      /should have ffff.*give a file instead/,
    );
    announce = undefined;
    const pinned = { ...entry, files: [{ ...entry.files[0]!, sha256: '0'.repeat(64) }] };
    await expect(cachedFiles(pinned, { folder, hosts: { hub } })).rejects.toThrow(
      /should have 0000/,
    );
    const gone = { ...entry, files: [{ host: 'hub' as const, path: 'gone' }] };
    await expect(cachedFiles(gone, { folder, hosts: { hub } })).rejects.toThrow(
      /the server answers 404/,
    );
    const nobody = { hub: 'http://127.0.0.1:9' };
    await expect(cachedFiles(entry, { folder, hosts: nobody })).rejects.toThrow(
      /tiny cannot be fetched from http:\/\/127\.0\.0\.1:9/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});
