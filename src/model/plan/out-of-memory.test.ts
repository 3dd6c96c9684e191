import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { OutOfGpuMemoryError } from '../../gpu/errors.ts';
import { nodeGpu } from '../../gpu/node-gpu.ts';
import { LORA_TARGETS, type TrainSequence } from '../engine.ts';
import { openEngine, type GpuEngine } from '../gpu-engine.ts';

const optimizer = {
  learningRate: 1e-3,
  clipNorm: 1,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
};

describe('an engine whose device has no more memory', () => {
  let engine: GpuEngine;
  beforeAll(async () => {
    engine = await openEngine({
      gpu: nodeGpu(),
      source: folderSource(join(import.meta.dirname, '../fixtures/qwen2-tiny')),
      weights: 'f32',
    });
    engine.createAdapter('student', { rank: 8, alpha: 16, targets: [...LORA_TARGETS] }, 1);
  });
  afterAll(() => engine.destroy());

  const sequences = [1, 2, 3, 4].map((id, group): TrainSequence => ({
    group,
    prompt: [id],
    completion: Array.from({ length: 31 }, (_, i) => i + id),
    temperature: 1,
  }));
  const step = () =>
    engine.trainStep({
      adapter: 'student',
      sequences,
      loss: { kind: 'nll', aggregation: 'sum', beta: 0, floor: null },
      optimizer,
      reference: false,
    });
  const generate = () =>
    engine.generate([
      {
        prompt: [1, 2],
        samples: 64,
        adapter: 'student',
        temperature: 1,
        topK: 0,
        topP: 1,
        seed: 1,
        stream: 0,
        maxTokens: 64,
        stopIds: [],
      },
    ]);

  it(
    'rejects a step and a generation with what there was no room for, and does the same with ' +
      'smaller sizes',
    async () => {
      const { memory } = engine.opened;
      memory.limit = memory.bytes + 2e6;
      Object.assign(engine, { microBatchRows: 4096, slots: 64 });
      await expect(step()).rejects.toThrow(OutOfGpuMemoryError);
      engine.microBatchRows = 64;
      expect((await step()).skipped).toBe(false);
      await expect(generate()).rejects.toThrow(/no room for (kv|decode)/);
      engine.slots = 4;
      expect(await generate()).toHaveLength(64);
      expect(memory.peak).toBeLessThanOrEqual(memory.limit);
    },
  );
});
