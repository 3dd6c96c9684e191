import { afterAll, beforeAll, expect, it } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { nodeGpu } from '../../gpu/node-gpu.ts';
import { linearSubgroup } from '../../kernels/linear-variants.ts';
import { checkVariants, subgroupVariants } from '../../kernels/variants.ts';
import { loadFixture } from '../fixtures/load.ts';
import { openEngine, type GpuEngine } from '../gpu-engine.ts';
import { measureVariants } from './measure-variants.ts';
import { tunedVariants } from './tuner.ts';

let engine: GpuEngine;
beforeAll(async () => {
  const { folder } = await loadFixture('qwen2-tiny');
  engine = await openEngine({ gpu: nodeGpu(), source: folderSource(folder), weights: 'q4' });
});
afterAll(() => engine.destroy());

/** These say what a software adapter with subgroups takes; the reason of a skip is printed. */
function applies(): boolean {
  const { software, subgroupSize } = engine.opened;
  if (software && subgroupSize !== null) return true;
  console.warn('Skipped: the adapter is hardware, or has no subgroups of a fixed size.');
  return false;
}

it('takes products by subgroups on a software adapter that has them', () => {
  if (applies()) expect(engine.variants).toEqual(subgroupVariants());
});

it.each([4, 8, 32])(
  'keeps the plain products where those by subgroups are wrong for weights of %s bits alone: ' +
    'the layers, the head, LoRA',
  async (bits) => {
    if (!applies()) return;
    const { recorder } = engine.opened;
    const run = recorder.run.bind(recorder);
    // A device that gets one precision wrong: outputs that are not accumulated where they should
    // be, or the other way round.
    recorder.run = (kernel, params, buffers, constants) =>
      run(
        kernel,
        kernel.name === linearSubgroup.name && constants?.['WEIGHT_BITS'] === bits
          ? { ...params, accumulate: 1 }
          : params,
        buffers,
        constants,
      );
    try {
      expect(await tunedVariants(engine.opened, engine.model, null)).toEqual({});
    } finally {
      recorder.run = run;
    }
  },
);

it('refuses a log that names subgroups where the device has none, and measures without them', async () => {
  const without = { ...engine.opened, subgroupSize: null };
  expect(await tunedVariants({ ...without, software: true }, engine.model, null)).toEqual({});
  Object.defineProperty(engine.opened, 'subgroupSize', { value: null });
  expect(() => (engine.variants = { ...subgroupVariants(), 'attention 1': 'decode' })).toThrow(
    /"subgroup" of product rows 1\. Its kernel linear_subgroup needs subgroups of a fixed size/,
  );
  engine.variants = { 'attention 1': 'decode' };
  expect(engine.variants).toEqual({ 'attention 1': 'decode' });
});

it('measures every task that the model has, and takes what it measured from the cache', async () => {
  const { folder } = await loadFixture('qwen3-tiny');
  const other = await openEngine({ gpu: nodeGpu(), source: folderSource(folder), weights: 'q4' });
  const before = other.opened.memory.bytes;
  const variants = await measureVariants(other.opened, other.model, 1e-4, [1]);
  checkVariants(variants, other.opened);
  expect(Object.keys(variants).sort()).toEqual([
    'attention 1',
    'attention backward 1',
    'head norm 1',
    'norm 1',
    'product rows 1',
    'product tiles 1',
    'swiglu 1',
    'vocabulary',
  ]);
  expect(other.opened.memory.bytes).toBe(before);

  const hardware = { ...other.opened, software: false };
  const cacheOf = (stored: unknown) => ({
    read: () => Promise.resolve(stored),
    write: () => Promise.reject(new Error('The cache was to be read alone.')),
  });
  expect(await tunedVariants(hardware, other.model, cacheOf(variants))).toEqual(variants);
  other.destroy();
});
