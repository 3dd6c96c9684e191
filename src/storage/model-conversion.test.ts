import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderSource } from './node/folder-source.ts';
import { Rng } from '../lib/rng.ts';
import { readModelConfig } from '../model/gpu-engine.ts';
import {
  isTiled,
  packedBytes,
  packRows,
  precisionOf,
  TILE,
  tileBytes,
  WEIGHT_PRECISIONS,
  type TiledPrecision,
} from '../model/weights/format.ts';
import { openWeights } from '../model/weights/source.ts';
import { blobSource } from './blob-source.ts';
import type { TransferOptions } from './models.ts';
import { HubServer } from './testing/hub-server.ts';
import { filesBelow, PLACES, type ModelLab } from './testing/model-lab.ts';
import { tinyModel } from './testing/tiny-model.ts';

const REPO = 'lab/tiny';

let server: HubServer;
let lab: ModelLab;

function options(change: Partial<TransferOptions> = {}): TransferOptions {
  return {
    precision: 'stored',
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...change,
  };
}

const download = (change: Partial<TransferOptions>) =>
  lab.store(server.endpoint).download(REPO, options(change));

/** First bytes of the requests for a file's content. */
const starts = (path: string) =>
  server.asked
    .filter((line) => line.startsWith(`cdn ${path} `))
    .map((line) => Number(line.split(' ')[2]));

describe('a model that is converted on arrival', () => {
  /** The model as files that somebody has dropped. */
  const dropped = (label: string) =>
    blobSource(
      label,
      [...files].map(([path, bytes]) => ({ path, file: new Blob([new Uint8Array(bytes)]) })),
    );
  const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  let files: Map<string, Uint8Array>;

  beforeEach(async () => {
    files = tinyModel();
    server = await HubServer.start(REPO, files);
    lab = PLACES["a browser's storage"]();
  });
  afterEach(() => server.close());

  it.each(WEIGHT_PRECISIONS)(
    'has the values of its source at %s, cut anywhere',
    async (precision) => {
      const rng = new Rng(11);
      for (const path of SHARDS) {
        const cuts = Array.from({ length: 5 }, () => 1 + rng.int(files.get(path)!.length - 1)).sort(
          (a, b) => a - b,
        );
        for (const cutAt of cuts) server.faults.push({ at: 'cdn', path, times: 1, cutAt });
      }
      const source = await download({ precision });
      const kept = await openWeights(source, await readModelConfig(source));
      const original = await openWeights(dropped('tiny'));
      for (const name of original.names) {
        const { shape } = original.tensor(name);
        const expected = precisionOf(name, precision);
        expect([name, kept.tensor(name)]).toEqual([name, { dtype: expected, shape }]);
        const values = await original.readF32(name);
        if (isTiled(expected)) {
          expect([name, await kept.read(name)]).toEqual([
            name,
            tilesOf(values, shape[1]!, expected),
          ]);
        } else {
          // The seeded values have few bits, so that f16 holds them exactly.
          expect([name, await kept.readF32(name)]).toEqual([name, values]);
        }
      }
      expect(await source.size('pytorch_model.bin')).toBeNull();
    },
  );

  it('goes on from any safe position after a kill', async () => {
    const whole = await download({ precision: 'q4' });
    const expected = await Promise.all(SHARDS.map((path) => whole.read(path)));
    for (let kill = 1; kill <= 6; kill++) {
      lab = PLACES["a browser's storage"]();
      const control = new AbortController();
      let steps = 0;
      server.pace = 1;
      const stopped = download({
        precision: 'q4',
        signal: control.signal,
        onProgress: ({ file }) => {
          if (file?.endsWith('.safetensors') && ++steps === kill)
            control.abort(new Error('killed'));
        },
      });
      await stopped.catch(() => undefined);
      const source = await download({ precision: 'q4' });
      expect(await Promise.all(SHARDS.map((path) => source.read(path)))).toEqual(expected);
    }
  });

  it('stops in one sentence on a full disk, keeps what has come, and goes on when there is room', async () => {
    lab.quota.left = 25_000;
    await expect(download({ precision: 'f16' })).rejects.toThrow(
      /needs [\d.]+ KiB more, 24\.4 KiB are free/,
    );
    // Others fill the disk while the model comes.
    lab.quota.left = 2 ** 40;
    const filling = download({
      precision: 'f16',
      onProgress: ({ file }) => {
        if (file === SHARDS[0]) lab.quota.left = Math.min(lab.quota.left, 3_000);
      },
    });
    await expect(filling).rejects.toThrow(
      /storage is full: lab\/tiny at f16 needs another .* are free\. What has come is kept/,
    );
    lab.quota.left = 2 ** 40;
    await download({ precision: 'f16' });
    expect(starts(SHARDS[0]!)).toEqual([0]);
  });

  it('comes from files that were chosen or dropped as well, under a name of its own', async () => {
    const store = lab.store(server.endpoint);
    const source = await store.importFiles(
      'My tiny model',
      dropped('My tiny model'),
      options({ precision: 'f32' }),
    );
    await openWeights(source, await readModelConfig(source));
    expect(await store.list()).toMatchObject([
      { id: 'local/My-tiny-model:f32', revision: null, complete: true },
    ]);
    expect(server.asked).toEqual([]);
    const partial = blobSource('part', [
      { path: 'config.json', file: new Blob([new Uint8Array(files.get('config.json')!)]) },
    ]);
    await expect(store.importFiles('part', partial, options())).rejects.toThrow(
      /has neither model\.safetensors nor/,
    );
  });
});

describe('published models', () => {
  const shared = join(import.meta.dirname, '../../../shared/data/models');
  const names = existsSync(shared) ? readdirSync(shared) : [];
  if (names.length === 0) console.warn(`Published models are not served: ${shared} is missing.`);

  it.skipIf(names.length === 0)('arrive cut, with the values of their files', async () => {
    let served = 0;
    for (const name of names) {
      const folder = join(shared, name);
      const config = await readModelConfig(folderSource(folder)).catch(() => null);
      if (!config) continue; // not an architecture of this version
      served++;
      server = await HubServer.start(`public/${name}`, filesBelow(folder));
      lab = PLACES['a cache folder']();
      for (const cutAt of [9, 1_000, 100_000]) server.faults.push({ at: 'cdn', times: 1, cutAt });
      const source = await lab
        .store(server.endpoint)
        .download(`public/${name}`, options({ precision: 'f32' }));
      const [kept, original] = [
        await openWeights(source, config),
        await openWeights(folderSource(folder), config),
      ];
      for (const tensor of original.names) {
        const [a, b] = [await kept.readF32(tensor), await original.readF32(tensor)];
        expect([name, tensor, sha256(bytesOf(a))]).toEqual([name, tensor, sha256(bytesOf(b))]);
      }
      await server.close();
    }
    expect(served).toBeGreaterThan(0);
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A whole matrix in tiles. */
function tilesOf(values: Float32Array, cols: number, precision: TiledPrecision): Uint8Array {
  const out = new Uint8Array(packedBytes(values.length / cols, cols, precision));
  for (
    let row = 0, at = 0;
    row * cols < values.length;
    row += TILE, at += tileBytes(cols, precision)
  )
    packRows(values.subarray(row * cols, (row + TILE) * cols), cols, precision, out, at);
  return out;
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
