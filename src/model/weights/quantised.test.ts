import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { nodeGpu } from '../../gpu/node-gpu.ts';
import { loadFixture, type Fixture, type FixtureName } from '../fixtures/load.ts';
import { openEngine, type GpuEngine } from '../gpu-engine.ts';
import { dequantised, packed } from '../testing/dequantised.ts';
import { largestDifference, relativeError } from '../testing/differences.ts';
import type { WeightPrecision } from './format.ts';
import type { FileSource } from './source.ts';

async function scores(engine: GpuEngine, { scoreCases, adapter }: Fixture): Promise<number[]> {
  engine.loadAdapter('student', adapter.config, adapter.tensors);
  const results = await engine.score(
    scoreCases.flatMap((c) =>
      (['none', 'student'] as const).map((adapter) => ({
        ids: c.ids,
        promptLength: c.promptLength,
        adapter,
      })),
    ),
  );
  return results.flatMap((r) => [...r.logprobs]);
}

describe.each<[FixtureName, WeightPrecision, number | undefined]>([
  ['qwen2-tiny', 'q8', undefined],
  ['qwen2-tiny', 'q4', undefined],
  ['llama-tiny', 'q4', undefined],
  // As on a device that binds 1 kB at most: shards of 64 rows.
  ['qwen2-tiny', 'q4', 1024],
])('%s at %s, shards of at most %s bytes', (name, precision, maxShardBytes) => {
  let fixture: Fixture;
  let quantised: GpuEngine;
  let reference: GpuEngine;
  const open = (source: FileSource, weights: WeightPrecision | null) =>
    openEngine({ gpu: nodeGpu(), source, weights, ...(maxShardBytes && { maxShardBytes }) });
  beforeAll(async () => {
    fixture = await loadFixture(name);
    const source = folderSource(fixture.folder);
    quantised = await open(source, precision);
    reference = await openEngine({
      gpu: nodeGpu(),
      source: await dequantised(source, precision),
      weights: null,
    });
  });
  afterAll(() => {
    quantised.destroy();
    reference.destroy();
  });

  it(
    'gives the log-probs of an f32 model with the dequantised weights, which are not those of ' +
      'the stored ones',
    async () => {
      const actual = await scores(quantised, fixture);
      expect(largestDifference(actual, await scores(reference, fixture))).toBeLessThan(1e-4);
      expect(
        largestDifference(
          actual,
          fixture.scoreCases.flatMap((c) => [...c.none.logprobs, ...c.adapter.logprobs]),
        ),
      ).toBeGreaterThan(1e-3);
    },
  );

  it('gives the same gradients of a training step', async () => {
    for (const c of fixture.trainCases.slice(0, 2)) {
      const gradient = async (engine: GpuEngine) => {
        engine.loadAdapter('student', fixture.adapter.config, fixture.adapter.tensors);
        await engine.trainStep({
          adapter: 'student',
          sequences: c.sequences,
          loss: c.loss,
          optimizer: c.optimizer,
          reference: true,
        });
        return engine.exportGradient('student');
      };
      const error = relativeError(await gradient(quantised), await gradient(reference));
      expect(error.worst, `${c.name}: ${error.name}`).toBeLessThan(1e-3);
    }
  });

  it('gives the very same from a packed folder, whose precision need not be named', async () => {
    const engine = await open(await packed(folderSource(fixture.folder), precision), null);
    expect(await scores(engine, fixture)).toEqual(await scores(quantised, fixture));
    engine.destroy();
  });
});

describe('a packed folder', () => {
  it('is not loaded at another precision than its own', async () => {
    const { folder } = await loadFixture('llama-tiny');
    const source = await packed(folderSource(folder), 'q4');
    await expect(openEngine({ gpu: nodeGpu(), source, weights: 'q8' })).rejects.toThrow(
      /is stored at q4 and cannot be had at q8/,
    );
    await expect(openEngine({ gpu: nodeGpu(), source, weights: 'f32' })).rejects.toThrow(
      /is stored at q4 and cannot be had at f32/,
    );
  });
});
