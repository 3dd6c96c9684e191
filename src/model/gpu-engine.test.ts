import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderSource } from '../cli/folder-source.ts';
import { nodeGpu } from '../gpu/node-gpu.ts';
import type { AdapterTensors } from './engine.ts';
import { loadFixture, type Fixture, type FixtureName } from './fixtures/load.ts';
import { openEngine, type GpuEngine } from './gpu-engine.ts';

/** Largest |a − b| relative to the RMS of b: gradients are compared directly (docs/methods.md). */
function relativeError(actual: AdapterTensors, expected: AdapterTensors): { worst: number; name: string } {
  let worst = { worst: 0, name: '' };
  for (const [name, { data }] of expected) {
    const rms = Math.sqrt(data.reduce((s, x) => s + x * x, 0) / data.length) || 1;
    const got = actual.get(name)?.data ?? new Float32Array(data.length).fill(NaN);
    data.forEach((x, i) => {
      const error = Math.abs((got[i] ?? NaN) - x) / rms;
      if (!(error <= worst.worst)) worst = { worst: error, name: `${name}[${i}]` };
    });
  }
  return worst;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < b.length; i++) worst = Math.max(worst, Math.abs((a[i] ?? NaN) - (b[i] ?? NaN)));
  return worst;
}

describe.each<[FixtureName, number | undefined]>([
  ['qwen2-tiny', undefined],
  ['llama-tiny', undefined],
  ['qwen2-tiny-f16', undefined],
  // As on a device that binds 16 kB at most: every matrix of more rows is cut into shards of 64.
  ['qwen2-tiny', 16_384],
])('%s, shards of at most %s bytes, against PyTorch', (name, maxShardBytes) => {
  let fixture: Fixture;
  let engine: GpuEngine;
  beforeAll(async () => {
    fixture = await loadFixture(name);
    engine = await openEngine({ gpu: nodeGpu(), source: folderSource(fixture.folder), weights: null, ...(maxShardBytes && { maxShardBytes }) });
  });
  afterAll(() => engine.destroy());

  it('gives the log-probs, entropies and most likely tokens of the base model and of an adapter', async () => {
    engine.loadAdapter('student', fixture.adapter.config, fixture.adapter.tensors);
    for (const adapter of ['none', 'student'] as const) {
      const scores = await engine.score(fixture.scoreCases.map((c) => ({ ids: c.ids, promptLength: c.promptLength, adapter, top: c.top })));
      fixture.scoreCases.forEach((c, i) => {
        const expected = adapter === 'none' ? c.none : c.adapter;
        expect(largestDifference(scores[i]?.logprobs ?? [], expected.logprobs)).toBeLessThan(1e-4);
        expect(largestDifference(scores[i]?.entropy ?? [], expected.entropy)).toBeLessThan(1e-4);
        expect(scores[i]?.top?.map((t) => t.map(([id]) => id))).toEqual(expected.top.map((t) => t.map(([id]) => id)));
      });
    }
  });

  it('chooses the adapter per row: base, student and reflector score as if each were alone', async () => {
    engine.loadAdapter('student', fixture.adapter.config, fixture.adapter.tensors);
    engine.loadAdapter('reflector', fixture.adapter.config, new Map([...fixture.adapter.tensors].map(([k, t]) => [k, { ...t, data: t.data.map((x) => -x) }])));
    const one = fixture.scoreCases[0];
    if (!one) throw new Error('The fixture has no score case.');
    const adapters = ['reflector', 'none', 'student'] as const;
    const together = await engine.score(adapters.map((adapter) => ({ ids: one.ids, promptLength: one.promptLength, adapter })));
    for (const [i, adapter] of adapters.entries()) {
      const [alone] = await engine.score([{ ids: one.ids, promptLength: one.promptLength, adapter }]);
      expect(largestDifference(together[i]?.logprobs ?? [], alone?.logprobs ?? [])).toBeLessThan(1e-5);
    }
    expect(largestDifference(together[0]?.logprobs ?? [], together[1]?.logprobs ?? [])).toBeGreaterThan(1e-3);
  });

  it('gives loss, gradients and updates of every train case, whatever the micro-batch', async () => {
    for (const c of [...fixture.trainCases, ...fixture.methodCases]) {
      const whole = c.loss.kind === 'pg' && c.loss.aggregation === 'bnpo' ? [1024] : [1024, 24];
      for (const rows of c.microBatchRows === undefined ? whole : [c.microBatchRows]) {
        engine.microBatchRows = rows;
        engine.loadAdapter('student', fixture.adapter.config, c.start);
        for (const [k, expected] of c.steps.entries()) {
          const result = await engine.trainStep({ adapter: 'student', sequences: c.sequences, loss: c.loss, optimizer: c.optimizer, reference: true });
          const label = `${c.name}, ${rows} rows, step ${k + 1}`;
          expect(Math.abs(result.loss - expected.loss), label).toBeLessThan(1e-3 * Math.max(1, Math.abs(expected.loss)));
          expect(Math.abs(result.gradNorm / expected.gradNorm - 1), label).toBeLessThan(1e-3);
          expect(result.partNorms.length, label).toBe(expected.partNorms.length);
          expected.partNorms.forEach((norm, part) => expect(Math.abs((result.partNorms[part] ?? NaN) - norm), `${label}, part ${part}`).toBeLessThanOrEqual(1e-3 * norm));
          expect(Math.abs(result.kl - expected.kl), label).toBeLessThan(1e-4 * Math.max(1, expected.kl));
          expect(result.tokens, label).toBe(expected.tokens);
          expect(Math.abs(result.clipRatio - expected.clipRatio), label).toBeLessThan(1e-6);
          if (k === 0) {
            const gradient = relativeError(await engine.exportGradient('student'), c.gradient);
            expect(gradient.worst, `${label}: gradient of ${gradient.name}`).toBeLessThan(1e-3);
            c.columns.forEach((column, i) => {
              expect(largestDifference(result.columns[i]?.logprobs ?? [], column.logprobs), label).toBeLessThan(1e-3);
              expect(largestDifference(result.columns[i]?.entropy ?? [], column.entropy), label).toBeLessThan(1e-3);
              expect(largestDifference(result.columns[i]?.loss ?? [], column.loss), label).toBeLessThan(1e-3 * Math.max(1, ...column.loss.map(Math.abs)));
              if (column.ratio) expect(largestDifference(result.columns[i]?.ratio ?? [], column.ratio), label).toBeLessThan(1e-3);
            });
          }
          const after = k === 0 ? c.afterFirst : k === c.steps.length - 1 ? c.afterLast : null;
          if (after) {
            const update = relativeError(await engine.exportAdapter('student'), after);
            expect(update.worst, `${label}: ${update.name}`).toBeLessThan(1e-2);
          }
        }
      }
    }
  });
});
