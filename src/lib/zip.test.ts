import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unzip, zip } from './zip.ts';

const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 31) ^ (i >> 5));
const files = [
  { path: 'adapter/adapter_config.json', file: new Blob(['{"r": 8}']) },
  { path: 'tokens.bin', file: new Blob([bytes(100_001)]) },
  { path: 'empty', file: new Blob([]) },
  { path: 'naïve.txt', file: new Blob(['é']) },
];
const contents = async (entries: readonly { path: string; file: Blob }[]) =>
  Promise.all(
    entries.map(
      async ({ path, file }) => [path, [...new Uint8Array(await file.arrayBuffer())]] as const,
    ),
  );

describe('zip archives', () => {
  it('come out as they went in', async () => {
    expect(await contents(await unzip(await zip(files), 'a.zip'))).toEqual(await contents(files));
    const packed = await zip(files, (path) => path === 'tokens.bin');
    expect(await contents(await unzip(packed, 'a.zip'))).toEqual(await contents(files));
    expect(packed.size).toBeLessThan((await zip(files)).size / 2);
  });

  it.for([false, true])(
    'are what other programs read, compressed: %s',
    async (deflate, { skip }) => {
      const folder = mkdtempSync(join(tmpdir(), 'zip-'));
      try {
        writeFileSync(
          join(folder, 'a.zip'),
          new Uint8Array(await (await zip(files, () => deflate)).arrayBuffer()),
        );
        try {
          execFileSync('python3', [
            '-c',
            'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is ' +
              'None; z.extractall(sys.argv[2])',
            join(folder, 'a.zip'),
            folder,
          ]);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT')
            skip('there is no python3 to read the archive with');
          throw error;
        }
        expect(new Uint8Array(readFileSync(join(folder, 'tokens.bin')))).toEqual(bytes(100_001));
        expect(readFileSync(join(folder, 'naïve.txt'), 'utf8')).toBe('é');
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  it('are read when deflated and with a comment at the end', async () => {
    const plain = new TextEncoder().encode('again and again and again');
    const packed = new Uint8Array(deflateRawSync(plain));
    const stored = new Uint8Array(
      await (await zip([{ path: 'a/b', file: new Blob([packed]) }])).arrayBuffer(),
    );
    const view = new DataView(stored.buffer);
    const central = view.getUint32(stored.length - 6, true);
    view.setUint16(8, 8, true);
    view.setUint16(central + 10, 8, true);
    view.setUint16(stored.length - 2, 7, true);
    const [entry] = await unzip(new Blob([stored, 'comment']), 'a.zip');
    expect(await entry!.file.text()).toBe('again and again and again');
  });

  it('that are none, or are cut, are refused with a sentence', async () => {
    await expect(unzip(new Blob(['hello']), 'a.zip')).rejects.toThrow(
      'a.zip is not a zip archive, or it is cut short.',
    );
    const whole = await zip(files);
    await expect(unzip(whole.slice(0, -1), 'a.zip')).rejects.toThrow('cut short');
    await expect(unzip(whole.slice(10), 'a.zip')).rejects.toThrow(/a\.zip is damaged/);
  });
});
