import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderSource } from '../storage/node/folder-source.ts';
import { nodeGpu } from '../gpu/node-gpu.ts';
import type { LossOptions, TrainSequence } from './engine.ts';
import { loadFixture, type Fixture, type FixtureName } from './fixtures/load.ts';
import { openEngine, type GpuEngine } from './gpu-engine.ts';
import { largestDifference, relativeError } from './testing/differences.ts';
import { forcedVariants } from './testing/variants.ts';

describe.each<
  [
    FixtureName,
    number | undefined,
    'kernels as loaded' | 'plain kernels' | 'kernels for many rows' | 'kernels for few rows',
  ]
>([
  ['qwen2-tiny', undefined, 'kernels as loaded'],
  ['llama-tiny', undefined, 'kernels as loaded'],
  ['qwen3-tiny', undefined, 'kernels as loaded'],
  ['qwen2-tiny-f16', undefined, 'kernels as loaded'],
  // As on a device that binds 16 kB at most: every matrix of more rows is cut into shards of 64.
  ['qwen2-tiny', 16_384, 'kernels as loaded'],
  ['qwen2-tiny', undefined, 'plain kernels'],
  ['qwen2-tiny', undefined, 'kernels for many rows'],
  ['qwen2-tiny', undefined, 'kernels for few rows'],
  ['qwen3-tiny', undefined, 'kernels for few rows'],
])('%s, shards of at most %s bytes, %s, against PyTorch', (name, maxShardBytes, kernels) => {
  let fixture: Fixture;
  let engine: GpuEngine;
  beforeAll(async () => {
    fixture = await loadFixture(name);
    engine = await openEngine({
      gpu: nodeGpu(),
      source: folderSource(fixture.folder),
      weights: null,
      ...(maxShardBytes && { maxShardBytes }),
    });
    if (kernels === 'plain kernels') engine.variants = {};
    if (kernels === 'kernels for many rows')
      engine.variants = forcedVariants('block', 'tiled', 'split', 'wide');
    if (kernels === 'kernels for few rows')
      engine.variants = forcedVariants('group 4', 'decode', 'rope');
  });
  afterAll(() => engine.destroy());

  it('gives the log-probs, entropies and most likely tokens of the base model and of an adapter', async () => {
    engine.loadAdapter('student', fixture.adapter.config, fixture.adapter.tensors);
    for (const adapter of ['none', 'student'] as const) {
      const scores = await engine.score(
        fixture.scoreCases.map((c) => ({
          ids: c.ids,
          promptLength: c.promptLength,
          adapter,
          top: c.top,
        })),
      );
      fixture.scoreCases.forEach((c, i) => {
        const expected = adapter === 'none' ? c.none : c.adapter;
        expect(largestDifference(scores[i]?.logprobs ?? [], expected.logprobs)).toBeLessThan(1e-4);
        expect(largestDifference(scores[i]?.entropy ?? [], expected.entropy)).toBeLessThan(1e-4);
        expect(scores[i]?.top?.map((t) => t.map(([id]) => id))).toEqual(
          expected.top.map((t) => t.map(([id]) => id)),
        );
      });
    }
  });

  it('chooses the adapter per row: base, student and reflector score as if each were alone', async () => {
    engine.loadAdapter('student', fixture.adapter.config, fixture.adapter.tensors);
    engine.loadAdapter(
      'reflector',
      fixture.adapter.config,
      new Map(
        [...fixture.adapter.tensors].map(([k, t]) => [k, { ...t, data: t.data.map((x) => -x) }]),
      ),
    );
    const one = fixture.scoreCases[0];
    if (!one) throw new Error('The fixture has no score case.');
    const adapters = ['reflector', 'none', 'student'] as const;
    const together = await engine.score(
      adapters.map((adapter) => ({ ids: one.ids, promptLength: one.promptLength, adapter })),
    );
    for (const [i, adapter] of adapters.entries()) {
      const [alone] = await engine.score([
        { ids: one.ids, promptLength: one.promptLength, adapter },
      ]);
      expect(largestDifference(together[i]?.logprobs ?? [], alone?.logprobs ?? [])).toBeLessThan(
        1e-5,
      );
    }
    expect(
      largestDifference(together[0]?.logprobs ?? [], together[1]?.logprobs ?? []),
    ).toBeGreaterThan(1e-3);
  });

  it('gives loss, gradients and updates of every train case, whatever the micro-batch', async () => {
    for (const c of [...fixture.trainCases, ...fixture.methodCases]) {
      const whole = c.loss.kind === 'pg' && c.loss.aggregation === 'bnpo' ? [1024] : [1024, 24];
      for (const rows of c.microBatchRows === undefined ? whole : [c.microBatchRows]) {
        engine.microBatchRows = rows;
        engine.loadAdapter('student', fixture.adapter.config, c.start);
        for (const [k, expected] of c.steps.entries()) {
          const result = await engine.trainStep({
            adapter: 'student',
            sequences: c.sequences,
            loss: c.loss,
            optimizer: c.optimizer,
            reference: true,
          });
          const label = `${c.name}, ${rows} rows, step ${k + 1}`;
          expect(Math.abs(result.loss - expected.loss), label).toBeLessThan(
            1e-3 * Math.max(1, Math.abs(expected.loss)),
          );
          expect(Math.abs(result.gradNorm / expected.gradNorm - 1), label).toBeLessThan(1e-3);
          expect(result.partNorms.length, label).toBe(expected.partNorms.length);
          expected.partNorms.forEach((norm, part) =>
            expect(
              Math.abs((result.partNorms[part] ?? NaN) - norm),
              `${label}, part ${part}`,
            ).toBeLessThanOrEqual(1e-3 * norm),
          );
          expect(Math.abs(result.kl - expected.kl), label).toBeLessThan(
            1e-4 * Math.max(1, expected.kl),
          );
          expect(result.tokens, label).toBe(expected.tokens);
          expect(Math.abs(result.clipRatio - expected.clipRatio), label).toBeLessThan(1e-6);
          if (k === 0) {
            const gradient = relativeError(await engine.exportGradient('student'), c.gradient);
            expect(gradient.worst, `${label}: gradient of ${gradient.name}`).toBeLessThan(1e-3);
            c.columns.forEach((column, i) => {
              expect(
                largestDifference(result.columns[i]?.logprobs ?? [], column.logprobs),
                label,
              ).toBeLessThan(1e-3);
              expect(
                largestDifference(result.columns[i]?.entropy ?? [], column.entropy),
                label,
              ).toBeLessThan(1e-3);
              expect(
                largestDifference(result.columns[i]?.loss ?? [], column.loss),
                label,
              ).toBeLessThan(1e-3 * Math.max(1, ...column.loss.map(Math.abs)));
              if (column.ratio)
                expect(
                  largestDifference(result.columns[i]?.ratio ?? [], column.ratio),
                  label,
                ).toBeLessThan(1e-3);
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

describe('the losses of an engine', () => {
  let fixture: Fixture;
  let engine: GpuEngine;
  beforeAll(async () => {
    fixture = await loadFixture('qwen2-tiny');
    engine = await openEngine({
      gpu: nodeGpu(),
      source: folderSource(fixture.folder),
      weights: null,
    });
  });
  afterAll(() => engine.destroy());
  const optimizer = {
    learningRate: 0.01,
    clipNorm: 1,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
  };
  const sequence: TrainSequence = {
    group: 0,
    prompt: [5, 9, 2],
    completion: [7, 11, 4, 0],
    temperature: 0.7,
    weight: 0.25,
  };
  const step = (sequences: readonly TrainSequence[], loss: LossOptions, reference = true) => {
    engine.loadAdapter('student', fixture.adapter.config, fixture.adapter.tensors);
    return engine.trainStep({ adapter: 'student', sequences, loss, optimizer, reference });
  };
  const teacher = {
    k: 2,
    ids: [1, 2, 1, 2, 1, 2, 1, 2],
    logprobs: [-1, -2, -1, -2, -1, -2, -1, -2],
  };
  const kd: LossOptions = { kind: 'kd', mode: 'tail' };

  it(
    'finds nothing to learn from what the student itself says at the same temperature, with ' +
      'any number of tokens',
    async () => {
      for (const top of [1, 5, engine.vocabSize - 1, engine.vocabSize]) {
        engine.loadAdapter('student', fixture.adapter.config, fixture.adapter.tensors);
        const [score] = await engine.score([
          {
            ids: [...sequence.prompt, ...sequence.completion],
            promptLength: 3,
            adapter: 'student',
            temperature: 0.7,
            top,
          },
        ]);
        const own = {
          k: top,
          ids: score?.top?.flat().map(([id]) => id) ?? [],
          logprobs: score?.top?.flat().map(([, logprob]) => logprob) ?? [],
        };
        for (const mode of ['tail', 'renorm'] as const) {
          const result = await step([{ ...sequence, teacher: own }], { kind: 'kd', mode });
          expect(Math.abs(result.loss), `${mode}, ${top}`).toBeLessThan(1e-5);
          expect(result.gradNorm, `${mode}, ${top}`).toBeLessThan(1e-3);
          expect(
            largestDifference(result.columns[0]?.logprobs ?? [], score?.logprobs ?? []),
          ).toBeLessThan(1e-5);
        }
      }
      expect((await step([{ ...sequence, teacher }], kd)).gradNorm).toBeGreaterThan(0.1);
    },
  );

  it(
    'sums the same gradient whether sequences are in one part or in several, and gives each ' +
      'part its norm',
    async () => {
      const loss: LossOptions = { kind: 'nll', aggregation: 'sum', beta: 0, floor: null };
      const sequences = [3, 8, 13].map((id, group): TrainSequence => ({
        ...sequence,
        group,
        completion: [id, id + 1, id + 2],
      }));
      const whole = await step(sequences, loss);
      const parts = await step(
        sequences.map((s, part) => ({ ...s, part })),
        loss,
      );
      expect(whole.partNorms).toEqual([whole.gradNorm]);
      expect(Math.abs(parts.gradNorm / whole.gradNorm - 1)).toBeLessThan(1e-5);
      for (const [i, s] of sequences.entries()) {
        const alone = await step([s], loss);
        expect(parts.partNorms[i]).toBe(alone.gradNorm);
      }
    },
  );

  it.each<[string, TrainSequence, LossOptions, RegExp]>([
    ['a missing teacher', sequence, kd, /Sequence 1 of 1 has no teacher/],
    [
      'a teacher of another length',
      { ...sequence, teacher: { ...teacher, ids: [1, 2] } },
      kd,
      /2 ids and 8 log-probs; 4 completion tokens at 2 each need 8/,
    ],
    [
      'an id twice at one position',
      { ...sequence, teacher: { ...teacher, ids: [1, 2, 1, 2, 3, 3, 1, 2] } },
      kd,
      /completion token 3: the teacher names id 3 twice/,
    ],
    [
      'an id beyond the vocabulary',
      { ...sequence, teacher: { ...teacher, ids: [1, 2, 1, 131, 1, 2, 1, 2] } },
      kd,
      /completion token 2: the teacher's id 131 is beyond the model's vocabulary of 131/,
    ],
    [
      'probabilities above 1',
      { ...sequence, teacher: { ...teacher, logprobs: [0, 0, -1, -2, -1, -2, -1, -2] } },
      kd,
      /completion token 1: the teacher's probabilities sum to 2.000/,
    ],
    [
      'more tokens than there are',
      { ...sequence, teacher: { ...teacher, k: 132 } },
      kd,
      /a teacher of 132 tokens a position; 1 to 131/,
    ],
    [
      'old log-probs of another length',
      { ...sequence, oldLogprobs: [-1] },
      { kind: 'nll', aggregation: 'sum', beta: 0, floor: null },
      /1 old log-probs for 4 completion tokens/,
    ],
    [
      'a part that is missing',
      { ...sequence, part: 1 },
      { kind: 'nll', aggregation: 'sum', beta: 0, floor: null },
      /none is in part 0/,
    ],
  ])('answers %s with a sentence', async (_, wrong, loss, sentence) => {
    await expect(step([wrong], loss)).rejects.toThrow(sentence);
  });

  it('answers a KL weight without a reference pass, and a temperature of 0 to score at, with a sentence', async () => {
    await expect(
      step([sequence], { kind: 'nll', aggregation: 'dapo', beta: 0.1, floor: null }, false),
    ).rejects.toThrow(/β is 0.1, but the reference pass/);
    await expect(
      engine.score([{ ids: [1, 2], promptLength: 1, adapter: 'none', temperature: 0 }]),
    ).rejects.toThrow(/temperature 0; it must be above 0/);
  });
});
