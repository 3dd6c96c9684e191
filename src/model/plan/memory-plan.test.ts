import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { nodeGpu } from '../../gpu/node-gpu.ts';
import type { MemoryPart } from '../../schema/plan.ts';
import { LORA_TARGETS, type LoraConfig, type TrainSequence } from '../engine.ts';
import { openEngine, type GpuEngine } from '../gpu-engine.ts';
import { memoryPlan, type MemoryBudget, type PlanInput } from './memory-plan.ts';
import type { ModelConfig } from '../weights/config.ts';
import type { WeightPrecision } from '../weights/format.ts';

const GIB = 2 ** 30;
const limits = { maxBufferSize: 2 ** 32 - 1, maxStorageBufferBindingSize: 2 ** 27 };
const lora: LoraConfig = { rank: 16, alpha: 32, targets: [...LORA_TARGETS] };
const given = (bytes: number): MemoryBudget => ({ bytes, source: 'as given', given: true });

const CODER: ModelConfig = {
  architecture: 'qwen2',
  vocabSize: 151_936,
  hiddenSize: 1536,
  layers: 28,
  heads: 12,
  kvHeads: 2,
  headDim: 128,
  intermediateSize: 8960,
  stored: { hiddenSize: 1536, headDim: 128, intermediateSize: 8960 },
  maxPositions: 32_768,
  rmsNormEps: 1e-6,
  ropeTheta: 1e6,
  ropeScaling: { type: 'default' },
  tiedEmbeddings: true,
  attentionBias: true,
  outputBias: false,
  mlpBias: false,
  queryKeyNorm: false,
  eosIds: [151_645],
  bosId: null,
  notices: [],
};
/** A GRPO step of the preset, and an evaluation. */
const coder = (precision: WeightPrecision): PlanInput => ({
  config: CODER,
  precision,
  lora,
  adapters: 1,
  generations: [
    { prompts: 1, promptTokens: 250, sequences: 10, maxTokens: 512 },
    { prompts: 14, promptTokens: 250, sequences: 63, maxTokens: 512 },
  ],
  training: { longest: 762, parts: 1, teacherTokens: 0 },
  limits,
});

/** Samples a group, takes a step as Refl-KD does, and gives plan and device the same work. */
async function step(engine: GpuEngine, input: PlanInput): Promise<void> {
  for (const name of (['student', 'reflector'] as const).slice(0, input.adapters))
    engine.createAdapter(name, input.lora, 1);
  const [need] = input.generations;
  if (!need) throw new Error('Nothing is generated.');
  const prompt = Array.from({ length: need.promptTokens }, (_, i) => (7 * i) % engine.vocabSize);
  await engine.generate(
    Array.from({ length: need.prompts }, (_, stream) => ({
      prompt,
      samples: need.sequences / need.prompts,
      adapter: 'student' as const,
      temperature: 1,
      topK: 0,
      topP: 1,
      seed: 1,
      stream,
      maxTokens: need.maxTokens,
      stopIds: [],
    })),
  );
  const completion = Array.from({ length: need.maxTokens }, (_, i) => (5 * i) % engine.vocabSize);
  const k = input.training?.teacherTokens ?? 0;
  const teacher =
    k > 0
      ? {
          k,
          ids: completion.flatMap(() => Array.from({ length: k }, (_, i) => i)),
          logprobs: completion.flatMap(() => Array.from({ length: k }, () => Math.log(0.5 / k))),
        }
      : null;
  const sequences = Array.from({ length: 4 }, (_, i): TrainSequence => ({
    group: 0,
    prompt,
    completion,
    temperature: 1,
    weight: 0.1,
    part: i % (input.training?.parts ?? 1),
    ...(teacher && { teacher }),
  }));
  const optimizer = {
    learningRate: 1e-3,
    clipNorm: 1,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
  };
  await engine.trainStep({
    adapter: 'student',
    sequences,
    loss: teacher
      ? { kind: 'kd', mode: 'tail' }
      : { kind: 'nll', aggregation: 'sum', beta: 0, floor: null },
    optimizer,
    reference: false,
  });
  await engine.saveState('student');
}

const nano = join(import.meta.dirname, '../../../public/models/nano');
const tiny = join(import.meta.dirname, '../fixtures/qwen2-tiny');
describe.each([
  [
    'nano',
    nano,
    'f32',
    { adapters: 1, parts: 1, teacherTokens: 0 },
    { microBatchRows: 1024, slots: 64 },
  ],
  [
    'nano in small batches, two adapters, distilling',
    nano,
    'f16',
    { adapters: 2, parts: 1, teacherTokens: 100 },
    { microBatchRows: 256, slots: 4 },
  ],
  [
    'nano at 4 bits',
    nano,
    'q4',
    { adapters: 1, parts: 1, teacherTokens: 0 },
    { microBatchRows: 512, slots: 16 },
  ],
  [
    'a small shape with parts',
    tiny,
    'f32',
    { adapters: 1, parts: 2, teacherTokens: 0 },
    { microBatchRows: 128, slots: 8 },
  ],
] as const)('%s', (_, folder, precision, { adapters, parts, teacherTokens }, sizes) => {
  it(
    'holds within a tenth of what the plan says, part by part, after sampling and a step',
    { timeout: 120_000 },
    async () => {
      const engine = await openEngine({
        gpu: nodeGpu(),
        source: folderSource(folder),
        weights: precision,
      });
      try {
        const { memory, device } = engine.opened;
        const input: PlanInput = {
          config: engine.config,
          precision,
          lora: { ...lora, rank: 8 },
          adapters,
          generations: [{ prompts: 2, promptTokens: 20, sequences: 16, maxTokens: 24 }],
          training: { longest: 44, parts, teacherTokens },
          limits: device.limits,
        };
        const plan = memoryPlan(input, given(GIB), sizes);
        Object.assign(engine, sizes);
        await step(engine, input);
        const held = memory.report();
        for (const part of Object.keys(plan.parts) as MemoryPart[]) {
          if (part === 'staging') continue; // held for a moment only: in the peak
          expect(
            within(plan.parts[part], held.get(part) ?? 0),
            `${part}: ${plan.parts[part]} planned, ${held.get(part)} held`,
          ).toBe(true);
        }
        expect(
          within(plan.device, memory.peak),
          `${plan.device} planned, ${memory.peak} at the peak`,
        ).toBe(true);
        expect([...held.keys()].filter((part) => !(part in plan.parts))).toEqual(['unused']);
      } finally {
        engine.destroy();
      }
    },
  );
});

it(
  'takes no room for a backward pass where there is only scoring, and one workspace where there is both',
  { timeout: 120_000 },
  async () => {
    const engine = await openEngine({ gpu: nodeGpu(), source: folderSource(tiny), weights: null });
    try {
      Object.assign(engine, { microBatchRows: 64 });
      const held = () =>
        ['train', 'checkpoints'].map((part) => engine.opened.memory.report().get(part) ?? 0);
      const score = () =>
        engine.score([{ ids: [5, 9, 2, 30, 11, 7], promptLength: 2, adapter: 'none' }]);
      const first = await score();
      const [scoring = 0, kept] = held();
      expect(kept).toBe(0);
      engine.createAdapter('student', { ...lora, rank: 4 }, 1);
      const optimizer = {
        learningRate: 1e-3,
        clipNorm: 1,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weightDecay: 0,
      };
      const sequences: TrainSequence[] = [
        { group: 0, prompt: [5, 9], completion: [2, 30], temperature: 1, weight: 0.1 },
      ];
      await engine.trainStep({
        adapter: 'student',
        sequences,
        loss: { kind: 'nll', aggregation: 'sum', beta: 0, floor: null },
        optimizer,
        reference: false,
      });
      const [training = 0, checkpoints = 0] = held();
      expect(checkpoints).toBeGreaterThan(0);
      expect(scoring).toBeLessThan(0.6 * training);
      expect(await score()).toEqual(first);
      expect(held()).toEqual([training, checkpoints]);
    } finally {
      engine.destroy();
    }
  },
);

function within(planned: number, held: number): boolean {
  return Math.abs(planned - held) <= 0.1 * held;
}

describe('the plan of the 1.5B class', () => {
  it('has the sizes worked out by hand', () => {
    const gib = (precision: WeightPrecision, part: MemoryPart) =>
      memoryPlan(coder(precision), given(64 * GIB), { microBatchRows: 1024, slots: 10 }).parts[
        part
      ] / GIB;
    expect(gib('q4', 'weights')).toBeCloseTo(0.94, 1);
    expect(gib('q8', 'weights')).toBeCloseTo(1.53, 1);
    expect(gib('f16', 'weights')).toBeCloseTo(2.89, 1);
    // 18.46 million parameters, each with gradient and two moments in f32.
    expect(gib('q4', 'adapter')).toBeCloseTo((18.46e6 * 16) / GIB, 2);
    // 28 inputs of 1,024 rows.
    expect(gib('q4', 'checkpoints')).toBeCloseTo((28 * 1024 * 1536 * 4) / GIB, 5);
  });

  it('counts what measuring kernels takes before anything else is there, where that is more', () => {
    const held = (input: PlanInput) => {
      const plan = memoryPlan(input, given(64 * GIB));
      return {
        all: plan.device,
        atTheEnd: Object.values(plan.parts).reduce((sum, bytes) => sum + bytes, 0),
      };
    };
    const step = held(coder('q4'));
    expect(step.all).toBe(step.atTheEnd);
    const one = held({
      ...coder('q4'),
      adapters: 0,
      training: null,
      generations: [{ prompts: 1, promptTokens: 9, sequences: 1, maxTokens: 9 }],
    });
    // Measuring takes 86 MiB, 64 of them outputs of 1,024 rows; then decoding one answer takes 38.
    expect((one.all - one.atTheEnd) / 2 ** 20).toBeCloseTo(86 - 38, -1);
  });

  it('prefers large batches, and makes them smaller before it gives up', () => {
    const roomy = memoryPlan(coder('q4'), given(16 * GIB));
    expect(roomy).toMatchObject({
      fits: true,
      sizes: { microBatchRows: 1024, slots: 64 },
      advice: null,
    });
    const tight = memoryPlan(coder('q4'), given(2.5 * GIB));
    expect(tight.fits).toBe(true);
    expect(tight.device).toBeLessThanOrEqual(2.5 * GIB);
    expect(tight.sizes.slots).toBeLessThan(64);
    expect(tight.advice).toMatch(
      /^So that it fits, .*answers are written side by side; that is slower/,
    );
  });

  it('says what fits instead: fewer bits, shorter answers, or nothing', () => {
    const f32 = memoryPlan(coder('f32'), given(3 * GIB));
    expect(f32).toMatchObject({ fits: false });
    expect(f32.summary).toMatch(/more than 3\.0 GiB \(as given\)/);
    expect(f32.proposes).toBe('q8');
    expect(f32.advice).toMatch(/^With q8 weights it takes [\d.]+ GiB and fits\.$/);
    const long: PlanInput = {
      ...coder('q4'),
      generations: [{ prompts: 1, promptTokens: 250, sequences: 10, maxTokens: 8192 }],
      training: { longest: 8442, parts: 1, teacherTokens: 0 },
    };
    expect(memoryPlan(long, given(2 * GIB)).advice).toMatch(
      /^With answers of \d+ tokens at most it takes/,
    );
    expect(memoryPlan(coder('q4'), given(GIB)).proposes).toBeNull();
    expect(memoryPlan(coder('q4'), given(GIB)).advice).toMatch(
      /No setting of this model fits.*Choose a smaller model/,
    );
  });

  it('refuses a buffer that no device of these limits can make, whatever the budget', () => {
    const input = { ...coder('q4'), training: { longest: 16_384, parts: 1, teacherTokens: 0 } };
    const plan = memoryPlan(input, given(64 * GIB));
    expect(plan).toMatchObject({
      fits: false,
      tooLarge: { what: 'train gate/up', limit: 2 ** 27 },
    });
    expect(plan.summary).toMatch(/train gate\/up, would need .* this device allows 128 MiB/);
  });
});
