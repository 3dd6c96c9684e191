import type { Allocator } from '../../gpu/memory.ts';
import { PlannedMemory } from '../../gpu/planned-memory.ts';
import { ROW_COUNTS } from '../../kernels/variants.ts';
import { formatBytes, formatCount } from '../../lib/format.ts';
import {
  MEMORY_PARTS,
  PART_NAMES,
  type EngineSizes,
  type MemoryPart,
  type MemoryPlan,
} from '../../schema/plan.ts';
import type { ModelConfig } from '../weights/config.ts';
import { cutShards } from '../weights/device.ts';
import type { LoraConfig } from '../weights/adapter.ts';
import { decodeRows, keyValueBuffers, keyValueRows, slotBuffers } from '../decode/buffers.ts';
import { entryBuffers, headBuffers, headChunk, teacherBuffers } from '../forward/head.ts';
import { adapterBuffers, loraLayout } from '../weights/lora.ts';
import { tunedOutputs, tunerBuffers } from './tuner-buffers.ts';
import { earlierGradient, partialNorms } from '../train/trainer.ts';
import { weightBuffers } from '../weights/buffers.ts';
import { precisionOf, WEIGHT_PRECISIONS, type WeightPrecision } from '../weights/format.ts';
import { TrainWorkspace, Workspace } from '../forward/workspace.ts';

/** Completions asked for in one call. */
export interface GenerationNeed {
  /** Distinct prompts, and tokens of the longest. */
  readonly prompts: number;
  readonly promptTokens: number;
  readonly sequences: number;
  /** Most new tokens of each. */
  readonly maxTokens: number;
}

export interface TrainingNeed {
  /** Rows of the longest sequence: prompt and completion. */
  readonly longest: number;
  /** Several parts get norms of their own, for which the gradient of earlier ones is kept. */
  readonly parts: number;
  /** k of a distillation's teacher; 0: none. */
  readonly teacherTokens: number;
}

/** What is to be done with a model, as far as memory depends on it. */
export interface PlanInput {
  readonly config: ModelConfig;
  readonly precision: WeightPrecision;
  readonly lora: LoraConfig;
  /** Adapters held with gradient and moments: one, or several for Refl-KD. */
  readonly adapters: number;
  readonly generations: readonly GenerationNeed[];
  /** Null: nothing is trained. */
  readonly training: TrainingNeed | null;
  readonly limits: Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>;
}

export type MemoryBudget = MemoryPlan['budget'];

/**
 * From what is fastest to what is smallest; fewer slots come first, since only the group itself
 * need be decoded at once.
 */
const LADDER: readonly EngineSizes[] = [
  [1024, 64],
  [1024, 32],
  [1024, 16],
  [512, 16],
  [256, 16],
  [256, 8],
  [128, 8],
  [128, 4],
  [64, 2],
  [64, 1],
].map(([microBatchRows = 0, slots = 0]) => ({ microBatchRows, slots }));
const PREFERRED = LADDER[0] ?? { microBatchRows: 1024, slots: 64 };
/** Smallest answer worth proposing, tokens. */
const SHORTEST = 64;

/**
 * What a run takes, with the largest sizes that fit the budget, or with `sizes`. Every figure comes
 * from the code that allocates, run on an allocator without a device.
 */
export function memoryPlan(
  input: PlanInput,
  budget: MemoryBudget,
  sizes?: EngineSizes,
): MemoryPlan {
  if (sizes) return describe(input, budget, sizes, { advice: null });
  const chosen = largestFitting(input, budget);
  if (!chosen) {
    const smallest = LADDER.at(-1) ?? PREFERRED;
    return describe(input, budget, smallest, whatFits(input, budget));
  }
  return describe(input, budget, chosen, { advice: madeSmaller(input, chosen) });
}

function largestFitting(input: PlanInput, budget: MemoryBudget): EngineSizes | null {
  return LADDER.find((sizes) => fits(input, budget, sizes)) ?? null;
}

function fits(input: PlanInput, budget: MemoryBudget, sizes: EngineSizes): boolean {
  const memory = needed(input, sizes);
  return memory.peak <= budget.bytes && memory.largest.bytes <= bufferLimit(input);
}

/** The largest buffer that can be made and bound. */
function bufferLimit({ limits }: PlanInput): number {
  return Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
}

/** Allocates all that a run holds, in vain. */
function needed(input: PlanInput, sizes: EngineSizes): PlannedMemory {
  const { config, lora, training } = input;
  const memory = new PlannedMemory();
  weightBuffers(memory, config, input.precision, input.limits.maxStorageBufferBindingSize);
  headBuffers(memory, config);
  tuning(memory, input);
  const layout = loraLayout(config, lora);
  for (let i = 0; i < input.adapters; i++) adapterBuffers(memory, layout);
  generation(memory, input, sizes.slots, layout.rank);
  if (training) {
    const rows = Math.max(sizes.microBatchRows, training.longest);
    new TrainWorkspace(memory, config, rows, layout);
    entryBuffers(memory, Math.ceil(rows / 256) * 256);
    partialNorms(memory, layout);
    if (training.parts > 1) earlierGradient(memory, layout);
    if (training.teacherTokens > 0) teacherBuffers(memory, config, training.teacherTokens);
    // The largest copy on its way to the host: one third of an adapter's state, or a chunk of
    // logits for a teacher's tokens.
    const logits = training.teacherTokens > 0 ? 4 * headChunk(config) * config.vocabSize : 0;
    memory.alloc('staging', Math.max(4 * layout.words, logits));
  }
  return memory;
}

/**
 * Kernels are measured once the model is there; what that takes is given back before the rest is
 * taken, so it counts in the peak alone.
 */
function tuning(memory: Allocator, { config, precision, limits }: PlanInput): void {
  const kept = precisionOf('gate_up.weight', precision);
  const [shard] = cutShards(
    2 * config.intermediateSize,
    config.hiddenSize,
    kept,
    limits.maxStorageBufferBindingSize,
  );
  const shape = { inner: config.hiddenSize, outputs: tunedOutputs(shard?.rows ?? 0) };
  const buffers = tunerBuffers(memory, config, shape, Math.max(...ROW_COUNTS));
  for (const view of Object.values(buffers)) memory.free(view);
}

function generation(
  memory: Allocator,
  { config, generations }: PlanInput,
  most: number,
  rank: number,
): void {
  const slotsOf = (need: GenerationNeed) => Math.min(most, need.sequences);
  const slots = Math.max(0, ...generations.map(slotsOf));
  if (slots === 0) return;
  const rows = generations.map((need) =>
    keyValueRows(
      Array.from({ length: need.prompts }, () => need.promptTokens),
      need.maxTokens,
      slotsOf(need),
    ),
  );
  keyValueBuffers(memory, config, Math.max(...rows));
  slotBuffers(memory, config, slots);
  new Workspace(memory, config, decodeRows(slots), rank);
}

interface Advice {
  readonly advice: string | null;
  readonly proposes?: WeightPrecision;
}

function describe(
  input: PlanInput,
  budget: MemoryBudget,
  sizes: EngineSizes,
  { advice, proposes }: Advice,
): MemoryPlan {
  const memory = needed(input, sizes);
  const report = memory.report();
  const parts = Object.fromEntries(
    MEMORY_PARTS.map((part) => [part, report.get(part) ?? 0]),
  ) as Record<MemoryPart, number>;
  const limit = bufferLimit(input);
  const { largest } = memory;
  const tooLarge =
    largest.bytes > limit ? { what: largest.label, bytes: largest.bytes, limit } : null;
  const state = input.training
    ? 12 * loraLayout(input.config, input.lora).words * input.adapters
    : 0;
  const enough = memory.peak <= budget.bytes;
  const room = `${formatBytes(budget.bytes)} (${budget.source})`;
  const most = [...MEMORY_PARTS].sort((a, b) => parts[b] - parts[a]).slice(0, 3);
  const named = most.map((part) => `${PART_NAMES[part]} ${formatBytes(parts[part])}`).join(', ');
  const summary = tooLarge
    ? `One buffer, ${tooLarge.what}, would need ${formatBytes(tooLarge.bytes)}, and this ` +
      `device allows ${formatBytes(limit)} at most.`
    : `It takes ${formatBytes(memory.peak)} of GPU memory (${named}), ${enough ? 'within' : 'more than'} ${room}.`;
  return {
    precision: input.precision,
    sizes,
    parts,
    device: memory.peak,
    // A checkpoint is read back, then encoded beside itself; a third of one adapter's state is in
    // flight.
    host: 2 * state + parts.staging,
    checkpoint: state,
    budget,
    tooLarge,
    fits: enough && !tooLarge,
    summary,
    advice,
    proposes: proposes ?? null,
  };
}

/** What was chosen below the preferred sizes, because of the budget. */
function madeSmaller(
  { generations, training }: PlanInput,
  { microBatchRows, slots }: EngineSizes,
): string | null {
  const widest = Math.max(0, ...generations.map((need) => need.sequences));
  const changes = [
    ...(training && microBatchRows < PREFERRED.microBatchRows
      ? [`training takes ${formatCount(microBatchRows)} tokens at a time`]
      : []),
    ...(slots < Math.min(widest, PREFERRED.slots)
      ? [`${slots} answers are written side by side`]
      : []),
  ];
  return changes.length > 0
    ? `So that it fits, ${changes.join(' and ')}; that is slower and learns the same.`
    : null;
}

/** The mildest change that makes it fit, in a sentence. */
function whatFits(input: PlanInput, budget: MemoryBudget): Advice {
  // from the next smaller one on
  const precisions = WEIGHT_PRECISIONS.slice(1 + WEIGHT_PRECISIONS.indexOf(input.precision));
  const bytes = (candidate: PlanInput, sizes: EngineSizes) =>
    formatBytes(needed(candidate, sizes).peak);
  for (const precision of precisions) {
    const candidate = { ...input, precision };
    const sizes = largestFitting(candidate, budget);
    if (sizes)
      return {
        advice: `With ${precision} weights it takes ${bytes(candidate, sizes)} and fits.`,
        proposes: precision,
      };
  }
  const smallest = { ...input, precision: precisions.at(-1) ?? input.precision };
  const longest = Math.max(0, ...input.generations.map((need) => need.maxTokens));
  for (let tokens = 2 ** Math.floor(Math.log2(longest - 1)); tokens >= SHORTEST; tokens /= 2) {
    const candidate = { ...smallest, ...shortened(input, longest - tokens) };
    const sizes = largestFitting(candidate, budget);
    if (sizes) {
      const weights =
        smallest.precision === input.precision ? '' : ` and ${smallest.precision} weights`;
      return {
        advice: `With answers of ${tokens} tokens at most${weights} it takes ${bytes(candidate, sizes)} and fits.`,
      };
    }
  }
  const least = bytes(smallest, LADDER.at(-1) ?? PREFERRED);
  return {
    advice:
      `No setting of this model fits: with ${smallest.precision} weights and the ` +
      `smallest batches it still takes ${least}. Choose a smaller model.`,
  };
}

/** The same with answers shorter by `tokens`. */
function shortened(
  { generations, training }: PlanInput,
  tokens: number,
): Pick<PlanInput, 'generations' | 'training'> {
  return {
    generations: generations.map((need) => ({
      ...need,
      maxTokens: Math.max(1, need.maxTokens - tokens),
    })),
    training: training && { ...training, longest: Math.max(2, training.longest - tokens) },
  };
}
