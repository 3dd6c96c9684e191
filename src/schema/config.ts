import * as v from 'valibot';
import { WEIGHT_PRECISIONS } from '../lib/weight-blocks.ts';

/** GRPO, the two methods that use feedback, and the controls they are read against. */
export const METHODS = ['grpo', 'srrl', 'reflkd', 'resample', 'random-reward', 'rft'] as const;
export type Method = (typeof METHODS)[number];

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const share = v.pipe(v.number(), v.minValue(0));

/** SRRL, and `resample`, which spends the same places on fresh attempts. */
export const SrrlConfig = v.object({
  /** c1: first attempts a problem. */
  first: count,
  /** c2: refinements of each failed first attempt. */
  refinements: count,
  /** Temperature of c2; fresh attempts of `resample` keep the run's own. */
  temperature: v.pipe(v.number(), v.gtValue(0)),
  /**
   * Mean and standard deviation over all completions of the problem, or c1 among c1 and c2 among
   * its siblings.
   */
  advantage: v.picklist(['pooled', 'phase']),
  /** λ_c2, weight of c2 in the loss. */
  lambda: share,
});
export type SrrlConfig = v.InferOutput<typeof SrrlConfig>;

export const ReflKdConfig = v.object({
  /** n_b: attempts of the student without reflection, a problem. */
  baselines: count,
  /** K: reflections on the first failing one. */
  reflections: count,
  /** m: retries of the student with each reflection. */
  retries: count,
  /** Most new tokens of a reflection. */
  reflectionTokens: count,
  /** δ: advantages within ±δ weigh nothing. */
  threshold: share,
  /** λ⁻: weight of reflections that made it worse. */
  negativeWeight: share,
  /** β_R: KL of the reflector to the base. */
  beta: share,
  /** Tokens below this log-prob are not pushed down further, nats. */
  floor: v.number(),
  kd: v.object({
    /** k: the teacher's most likely tokens; the rest is one tail. */
    topK: count,
    temperature: v.pipe(v.number(), v.gtValue(0)),
    mode: v.picklist(['tail', 'renorm']),
    /** y*: the retry that passed (off-policy), or a fresh answer of the student (on-policy). */
    target: v.picklist(['retry', 'fresh']),
    /** The student at the step's start, the average of its past, or the base model. */
    teacher: v.picklist(['snapshot', 'ema', 'base']),
    /** Of the average: θ_T ← d θ_T + (1 − d) θ after each step. */
    emaDecay: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  }),
});
export type ReflKdConfig = v.InferOutput<typeof ReflKdConfig>;

/**
 * The complete configuration of one run: what config.json holds, what `run.started` records, what
 * reruns the run. Defaults come from the preset of (method, model) and are all written out here;
 * none is implied later.
 */
export const RunConfig = v.object({
  version: v.literal(1),
  method: v.picklist(METHODS),
  /** `nano`, a hub id or a folder. */
  model: v.string(),
  /**
   * Folder of the PEFT adapter that the student starts from, whose rank, alpha and targets `lora`
   * repeats; null: a fresh one.
   */
  adapter: v.optional(v.nullable(v.string()), null),
  /** `starter`, `mbpp`, … or a file. */
  dataset: v.string(),
  seed: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Problems taken from each split. */
  train: v.pipe(v.number(), v.integer(), v.minValue(1)),
  val: v.pipe(v.number(), v.integer(), v.minValue(0)),
  test: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Optimiser steps planned; null where `budgetTokens` ends the run. */
  steps: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))),
  budgetTokens: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** Asserts a model may see, in prompts and feedback: every shown one, or all but the last. */
  asserts: v.optional(v.picklist(['all', 'all-but-one']), 'all'),
  /** G, completions per problem; `srrl`, `resample` and `reflkd` have counts of their own. */
  group: v.pipe(v.number(), v.integer(), v.minValue(1)),
  problemsPerStep: v.pipe(v.number(), v.integer(), v.minValue(1)),
  maxTokens: v.pipe(v.number(), v.integer(), v.minValue(1)),
  temperature: v.pipe(v.number(), v.minValue(0)),
  learningRate: v.pipe(v.number(), v.minValue(0)),
  lora: v.object({
    rank: v.pipe(v.number(), v.integer(), v.minValue(1)),
    alpha: v.number(),
    targets: v.array(v.picklist(['q', 'k', 'v', 'o', 'gate', 'up', 'down'])),
  }),
  srrl: v.optional(v.nullable(SrrlConfig), null),
  reflkd: v.optional(v.nullable(ReflKdConfig), null),
  loss: v.object({
    aggregation: v.picklist(['dapo', 'grpo', 'dr_grpo', 'bnpo']),
    epsLow: v.number(),
    epsHigh: v.number(),
    beta: v.number(),
    /** μ: optimiser updates on the completions of a step. */
    updates: v.optional(count, 1),
    correctionCap: v.nullable(v.number()),
    maskTruncated: v.boolean(),
  }),
  optimizer: v.object({
    clipNorm: v.number(),
    beta1: v.number(),
    beta2: v.number(),
    epsilon: v.number(),
    weightDecay: v.number(),
  }),
  /** Seconds a program, before calibration to the machine. */
  timeoutSeconds: v.number(),
  /**
   * Evaluation before and after: samples per test problem at `evalTemperature`, besides one greedy
   * answer.
   */
  evalSamples: v.pipe(v.number(), v.integer(), v.minValue(0)),
  evalTemperature: v.number(),
  /** Weights in memory: as stored, or converted. */
  weights: v.nullable(v.picklist(WEIGHT_PRECISIONS)),
  /** Steps between checkpoints. */
  checkpointEvery: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
export type RunConfig = v.InferOutput<typeof RunConfig>;
