import type { ProblemSets } from '../data/order.ts';
import { plainPrompt, type MethodText } from '../data/prompts.ts';
import { adapterFacts, type AdapterFacts } from '../gpu/device.ts';
import { OutOfGpuMemoryError } from '../gpu/errors.ts';
import { formatBytes, formatCount } from '../lib/format.ts';
import type { ModelConfig } from '../model/weights/config.ts';
import { keptBytes } from '../model/weights/convert.ts';
import { storedPrecision } from '../model/weights/device.ts';
import { openEngine, readModelConfig, type GpuEngine } from '../model/gpu-engine.ts';
import { memoryPlan, type MemoryBudget, type PlanInput } from '../model/plan/memory-plan.ts';
import { openWeights, type FileSource } from '../model/weights/source.ts';
import type { WeightPrecision } from '../model/weights/format.ts';
import type { RunConfig } from '../schema/config.ts';
import type { ModelPrecision } from '../schema/models.ts';
import type { MemoryPlan, RunPlan, StoragePlan } from '../schema/plan.ts';
import { stepWork } from './step-work.ts';

/** What is known of a machine's memory besides what WebGPU tells. Bytes. */
export interface MachineMemory {
  /** Of the whole machine, as far as it is told (browsers tell at most 8 GiB); null: not told. */
  readonly system: number | null;
  /** What the user lets the lab take of the GPU's; null: not said. */
  readonly given: number | null;
}

/**
 * Room for what a run stores. Bytes; null where it is not known, or where there is no browser that
 * might delete it.
 */
export interface StorageRoom {
  readonly free: number | null;
  readonly persisted: boolean | null;
}

const GIB = 2 ** 30;
/** What a graphics card of its own is taken to have free at least. */
const CARD_BYTES = 4 * GIB;
/** Vendors whose WebGPU adapters share the machine's memory. */
const SHARING = /^(apple|intel|qualcomm|arm|img-tec)$/i;

/**
 * WebGPU does not tell how much memory a GPU has, so a cautious figure is assumed where none was
 * given (docs/memory.md).
 */
export function memoryBudget(
  { info, software }: Pick<AdapterFacts, 'info' | 'software'>,
  machine: MachineMemory,
): MemoryBudget {
  if (machine.given !== null) return { bytes: machine.given, source: 'as given', given: true };
  if ((software || SHARING.test(info.vendor)) && machine.system !== null) {
    const why = software ? 'which a software adapter computes in' : 'which this GPU shares';
    return {
      bytes: machine.system / 2,
      source: `half of the machine’s memory, ${why}`,
      given: false,
    };
  }
  return { bytes: CARD_BYTES, source: 'assumed, since WebGPU does not tell', given: false };
}

/** Tokens of the longest plain prompt of a run. */
export function longestPrompt(
  text: Pick<MethodText, 'prompt'>,
  { train, test }: ProblemSets,
): number {
  return Math.max(1, ...[...train, ...test].map((problem) => text.prompt(problem).ids.length));
}

interface Asked {
  readonly gpu: GPU | undefined;
  readonly config: RunConfig;
  readonly machine: MachineMemory;
}

export interface PlanOptions extends Asked {
  readonly source: FileSource;
  readonly promptTokens: number;
}

/** The memory that a run would take here; reads the headers of the weights only. */
export async function planRun(options: PlanOptions): Promise<MemoryPlan> {
  const { input, budget } = await planInput(options);
  return memoryPlan(input, budget);
}

/** A model that is still at the hub. */
export interface RemoteModel {
  readonly model: ModelConfig;
  /** What it is kept at when it comes. */
  readonly kept: ModelPrecision;
  /** Bytes of it that are here already. */
  readonly present: number;
}

/** What a run would take once its model is here; asks for nothing but what the hub says of it. */
export async function planAhead({
  sets,
  room,
  kept,
  present,
  ...asked
}: Asked &
  RemoteModel & { readonly sets: ProblemSets; readonly room: StorageRoom }): Promise<RunPlan> {
  const { model, config } = asked;
  // Published weights are bf16: kept as they come they take what f16 takes, and are loaded as f32.
  const precision = config.weights ?? (kept === 'stored' ? 'f32' : kept);
  const promptTokens = guessedPrompt(sets, config);
  const { input, budget } = await inputOf({ ...asked, precision, promptTokens });
  const memory = memoryPlan(input, budget);
  const coming = Math.max(0, keptBytes(model, kept === 'stored' ? 'f16' : kept) - present);
  return {
    memory,
    storage: storagePlan(config, memory, room, coming),
    ahead:
      'Worked out from what the hub says of the model; its tokenizer is not here, so the ' +
      `longest prompt is taken for ${formatCount(promptTokens)} tokens.`,
  };
}

/** Characters a token at least, in English and Python. */
const CHARACTERS = 3;
/** Of a chat template with a system prompt of its own. */
const TEMPLATE_TOKENS = 60;

/** Tokens of the longest plain prompt where there is no tokenizer, rather too many than too few. */
function guessedPrompt({ train, test }: ProblemSets, { asserts }: RunConfig): number {
  const lengths = [...train, ...test].map((problem) => plainPrompt(problem, asserts).length);
  return TEMPLATE_TOKENS + Math.ceil(Math.max(1, ...lengths) / CHARACTERS);
}

async function planInput({
  source,
  ...asked
}: PlanOptions): Promise<{ input: PlanInput; budget: MemoryBudget }> {
  const described = await readModelConfig(source);
  const weights = await openWeights(source, described);
  const model = { ...described, tiedEmbeddings: weights.tied };
  return inputOf({ ...asked, model, precision: asked.config.weights ?? storedPrecision(weights) });
}

interface Shape {
  readonly model: ModelConfig;
  readonly precision: WeightPrecision;
  readonly promptTokens: number;
}

async function inputOf({
  gpu,
  config,
  machine,
  model,
  precision,
  promptTokens,
}: Asked & Shape): Promise<{ input: PlanInput; budget: MemoryBudget }> {
  const facts = await adapterFacts(gpu);
  const { generations, evaluation, training, adapters } = stepWork(
    config,
    promptTokens,
    model.maxPositions,
  );
  return {
    input: {
      config: model,
      precision,
      lora: config.lora,
      adapters,
      generations: evaluation ? [...generations, evaluation] : generations,
      training,
      limits: facts.limits,
    },
    budget: memoryBudget(facts, machine),
  };
}

/**
 * Where no precision was chosen and the weights as stored do not fit: the largest one that does,
 * written into the configuration, with a sentence.
 */
export function withFittingWeights(
  config: RunConfig,
  plan: MemoryPlan,
): { readonly config: RunConfig; readonly said: string | null } {
  if (config.weights !== null || plan.proposes === null) return { config, said: null };
  return {
    config: { ...config, weights: plan.proposes },
    said: `${plan.summary} ${plan.advice} So ${plan.proposes} weights are taken; --weights chooses others.`,
  };
}

/**
 * Loads the model with the sizes of its plan. Refuses what surely does not fit; where memory runs
 * out all the same, the error says what the plan was and what would fit into what there turned out
 * to be.
 */
export async function openPlanned(
  options: PlanOptions,
): Promise<{ engine: GpuEngine; plan: MemoryPlan; warnings: string[] }> {
  const { input, budget } = await planInput(options);
  const plan = memoryPlan(input, budget);
  const said = [plan.summary, plan.advice].filter(Boolean).join(' ');
  if (!plan.fits && (plan.tooLarge || budget.given))
    throw new Error(`The model was not loaded. ${said}`);
  const { gpu, source, config } = options;
  try {
    const engine = await openEngine({
      gpu,
      source,
      weights: config.weights,
      ...(budget.given && { memoryLimit: budget.bytes }),
    });
    engine.microBatchRows = plan.sizes.microBatchRows;
    engine.slots = plan.sizes.slots;
    const warnings = [
      ...engine.notices,
      ...(plan.fits
        ? [plan.advice ?? []].flat()
        : [`${said} It is tried all the same; say how much memory there is if it is more.`]),
    ];
    return { engine, plan, warnings };
  } catch (error) {
    if (!(error instanceof OutOfGpuMemoryError)) throw error;
    throw explained(error, input, plan);
  }
}

/**
 * Memory that ran out while loading, with the plan's figures and what fits into as much as there
 * turned out to be.
 */
export function explained(
  error: OutOfGpuMemoryError,
  input: PlanInput,
  plan: MemoryPlan,
): OutOfGpuMemoryError {
  const there = memoryPlan(input, {
    bytes: error.allocated,
    source: 'what the GPU had room for',
    given: true,
  });
  return error.with(
    `${plan.summary} ${there.advice ?? 'Close other tabs that use the GPU and load again.'}`,
  );
}

/**
 * Bytes of log and token columns for a token that was sampled: its columns, its text, its share of
 * prompt and verdict.
 */
const LOG_BYTES_PER_TOKEN = 60;

/**
 * What a run stores at most, and whether there is room beside `coming` bytes of its model that are
 * not here yet.
 */
export function storagePlan(
  config: RunConfig,
  memory: Pick<MemoryPlan, 'checkpoint'>,
  { free: now, persisted }: StorageRoom,
  coming = 0,
): StoragePlan {
  const { generations } = stepWork(config, 1, Infinity);
  const most =
    config.budgetTokens ??
    (config.steps ?? 0) * generations.reduce((n, need) => n + need.sequences * need.maxTokens, 0);
  // Two checkpoints are kept, the next is whole before the oldest goes; the adapters are a third of
  // one.
  const bytes = Math.ceil(memory.checkpoint * (3 + 1 / 3) + most * LOG_BYTES_PER_TOKEN);
  const free = now === null ? null : Math.max(0, now - coming);
  const fits = free === null || bytes <= free;
  const then = coming > 0 ? 'will be free when the model is here' : 'are free';
  const there =
    free === null
      ? ''
      : `; ${formatBytes(free)} ` +
        `${then}${fits ? '' : ', which is too little: delete stored runs or models, or free some disk space'}`;
  const kept =
    persisted === false
      ? ' The browser may delete it when the disk gets full: it has not granted lasting storage.'
      : '';
  return {
    bytes,
    free,
    persisted,
    fits,
    summary: `Up to ${formatBytes(bytes)} are stored${there}.${kept}`,
  };
}

/** The plan as one line. */
export function planLine({ memory, storage }: Omit<RunPlan, 'ahead'>): string {
  const { microBatchRows, slots } = memory.sizes;
  return [
    memory.summary,
    memory.advice,
    `${memory.precision} weights, micro-batches of ${microBatchRows} tokens, ${slots} answers at a time.`,
    storage.summary,
  ]
    .filter(Boolean)
    .join(' ');
}
