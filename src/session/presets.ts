import { LORA_TARGETS } from '../model/engine.ts';
import type { Method, ReflKdConfig, RunConfig, SrrlConfig } from '../schema/config.ts';

/** The defaults of METHODS, for models of the 1.5B class; each value carries its source. */
const METHODS_DEFAULTS: RunConfig = {
  version: 1,
  method: 'grpo',
  model: 'nano',
  adapter: null,
  dataset: 'starter',
  seed: 1,
  train: 30, // "quick" of SRRL and refl-kd
  val: 0,
  test: 30, // "quick" of SRRL and refl-kd
  steps: 30,
  budgetTokens: null,
  asserts: 'all', // SRRL's source; what hard-coding costs shows with 'all-but-one'
  group: 10, // METHODS, GRPO: G = 10
  problemsPerStep: 1, // one group of 10 × 512 tokens is what a consumer GPU holds
  maxTokens: 512, // TRL
  temperature: 1, // TRL
  learningRate: 1e-5, // TRL's LoRA tables, 1.5B
  lora: { rank: 16, alpha: 32, targets: [...LORA_TARGETS] }, // TRL, "LoRA without regret"
  srrl: null,
  reflkd: null,
  loss: {
    aggregation: 'dapo', // TRL's default
    epsLow: 0.2, // DAPO
    epsHigh: 0.28, // DAPO, clip-higher
    beta: 0, // TRL
    updates: 1, // TRL: num_iterations
    correctionCap: 2, // verl, token level
    maskTruncated: true, // DAPO, overlong filtering
  },
  optimizer: { clipNorm: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 }, // TRL
  timeoutSeconds: 10, // SRRL
  evalSamples: 8, // pass@8 beside the greedy answer
  evalTemperature: 1, // the temperature that is trained at
  weights: null,
  checkpointEvery: 1,
};

const SRRL: SrrlConfig = {
  first: 2, // SRRL
  refinements: 4, // SRRL
  temperature: 0.3, // SRRL
  advantage: 'pooled',
  lambda: 1,
};

const REFLKD: ReflKdConfig = {
  baselines: 4,
  reflections: 2, // refl-kd
  retries: 2,
  reflectionTokens: 256,
  threshold: 0,
  negativeWeight: 0.5,
  beta: 0.02,
  floor: Math.log(1e-4),
  kd: {
    topK: 100, // SDPO
    temperature: 1,
    mode: 'tail', // SDPO
    target: 'retry',
    teacher: 'snapshot',
    emaDecay: 0.9,
  },
};

/**
 * What the embedded model needs otherwise: small steps that show movement within minutes, also on a
 * software adapter.
 */
const NANO: Partial<RunConfig> = {
  train: 30, // seen four times in 30 steps
  test: 12,
  steps: 30,
  problemsPerStep: 4,
  maxTokens: 96, // its programs end within 80 tokens
  // a million parameters bear (and need) far larger steps than 1.5B; searched, docs/log.md
  learningRate: 2e-3,
  evalSamples: 2, // with the greedy answer 36 sequences: one batch before the first step
  // its programs run for microseconds: what takes longer hangs, also on a busy machine
  timeoutSeconds: 5,
};

/**
 * Steps of nano that compute about the tokens of GRPO's 30 (measured): what methods are compared
 * at, and a few minutes each.
 */
const NANO_STEPS: Partial<Record<Method, number>> = { srrl: 20, reflkd: 14, resample: 36 };
/** nano's reflections are a sentence or two of its own. */
const NANO_REFLECTION_TOKENS = 48;

/** The preset of (method, model), every value written out. */
export function presetOf(method: Method, model: string): RunConfig {
  const nano = model === 'nano';
  return {
    ...METHODS_DEFAULTS,
    ...(nano ? NANO : {}),
    ...(nano && NANO_STEPS[method] ? { steps: NANO_STEPS[method] } : {}),
    srrl: method === 'srrl' || method === 'resample' ? SRRL : null,
    reflkd:
      method === 'reflkd'
        ? { ...REFLKD, ...(nano ? { reflectionTokens: NANO_REFLECTION_TOKENS } : {}) }
        : null,
    method,
    model,
  };
}

/** Problems of the comparisons in the sources: SRRL's "quick", and "full" on MBPP. */
const SIZES = { quick: { train: 30, test: 30 }, full: { train: 200, test: 224 } } as const;
export const SIZE_NAMES = ['quick', 'full'] as const satisfies readonly (keyof typeof SIZES)[];

/** A preset on so many problems, with as many steps as see each of them once at least. */
export function sizedPreset(preset: RunConfig, size: keyof typeof SIZES): RunConfig {
  const { train, test } = SIZES[size];
  const steps = preset.steps && Math.max(preset.steps, Math.ceil(train / preset.problemsPerStep));
  return { ...preset, train, test, steps };
}

/**
 * Tokens computed by GRPO steps of nano's preset over the most they could have generated (8 steps,
 * prompts included).
 */
const COMPUTED_SHARE = 13_342 / (8 * 4 * 10 * 96);

/**
 * The budget at which methods are compared when none is given: about what the steps of a GRPO
 * preset compute, prompt and generated, in thousands. Measured with nano (50,000); other models are
 * taken to fill the same share of `maxTokens`.
 */
export function equalTokens(preset: RunConfig): number {
  const most =
    (preset.steps ?? METHODS_DEFAULTS.steps!) *
    preset.problemsPerStep *
    preset.group *
    preset.maxTokens;
  return 1000 * Math.max(1, Math.round((COMPUTED_SHARE * most) / 1000));
}
