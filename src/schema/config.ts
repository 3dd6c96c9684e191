import * as v from 'valibot';

/**
 * The complete configuration of one run: what config.json holds, what `run.started` records, what reruns the run.
 * Defaults come from the preset of (method, model) and are all written out here; none is implied later.
 */
export const RunConfig = v.object({
  version: v.literal(1),
  method: v.picklist(['grpo']),
  /** `nano`, a hub id or a folder. */
  model: v.string(),
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
  /** G, completions per problem. */
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
  loss: v.object({
    aggregation: v.picklist(['dapo', 'grpo', 'dr_grpo', 'bnpo']),
    epsLow: v.number(),
    epsHigh: v.number(),
    beta: v.number(),
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
  /** Evaluation before and after: samples per test problem at `evalTemperature`, besides one greedy answer. */
  evalSamples: v.pipe(v.number(), v.integer(), v.minValue(0)),
  evalTemperature: v.number(),
  /** Weights in memory: as stored, or converted. */
  weights: v.nullable(v.picklist(['f32', 'f16'])),
  /** Steps between checkpoints. */
  checkpointEvery: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
export type RunConfig = v.InferOutput<typeof RunConfig>;
