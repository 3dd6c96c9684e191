import { choice, integer, number, nullable, toggle } from './setting.ts';

/*
 * The settings that methods share. Sources go by the names of docs/papers.md; "this lab" is a
 * choice of our own. docs/methods.md explains each where its formula stands.
 */

const MANY = 1_000_000;

/** Settings that every method has, at the top of config.json. */
export const COMMON = {
  steps: nullable(
    integer(
      { min: 1, max: MANY },
      {
        label: 'Steps',
        help: 'optimiser steps',
        standard: 30,
        source: 'this lab',
        nanoSource: 'preset of nano',
        flag: 'steps',
        section: 'run',
        when: ['budget', 'steps'],
      },
    ),
    null,
  ),
  budgetTokens: nullable(
    integer(
      { min: 1, max: 1e12 },
      {
        label: 'Tokens',
        help: 'end after so many tokens instead; several methods get equal ones by default',
        standard: 67_000,
        source: 'prompts and completions: what 30 steps of GRPO compute',
        nano: 50_000,
        flag: 'budget-tokens',
        section: 'run',
        when: ['budget', 'tokens'],
      },
    ),
    null,
  ),
  problemsPerStep: integer(
    { min: 1, max: 4096 },
    {
      label: 'Problems per step',
      help: 'problems a step',
      standard: 1,
      source: 'one group of 10 × 512 tokens is what a consumer GPU holds',
      nano: 4,
      nanoSource: 'preset of nano',
      flag: 'problems-per-step',
      section: 'run',
    },
  ),
  temperature: number(
    { min: 0, max: 10 },
    {
      label: 'Temperature',
      symbol: 'T',
      help: 'of training samples',
      standard: 1,
      source: 'TRL',
      flag: 'temperature',
      section: 'run',
    },
  ),
  learningRate: number(
    { min: 0, max: 10 },
    {
      label: 'Learning rate',
      help: 'of AdamW',
      standard: 1e-5,
      source: "TRL's LoRA tables, 1.5B",
      nano: 2e-3,
      nanoSource: 'preset of nano, searched (docs/log.md)',
      flag: 'lr',
      section: 'run',
    },
  ),
  train: integer(
    { min: 1, max: MANY },
    {
      label: 'Training problems',
      help: 'problems to train on, drawn by the seed',
      standard: 30,
      source: 'SRRL and refl-kd, “quick”',
      flag: 'train',
      section: 'run',
    },
  ),
  val: integer(
    { min: 0, max: MANY },
    {
      label: 'Validation problems',
      help: 'problems kept for validation',
      standard: 0,
      source: 'this lab',
      flag: 'val',
      section: 'more',
    },
  ),
  test: integer(
    { min: 0, max: MANY },
    {
      label: 'Test problems',
      help: 'problems for the evaluation before and after',
      standard: 30,
      source: 'SRRL and refl-kd, “quick”',
      nano: 12,
      nanoSource: 'preset of nano',
      flag: 'test',
      section: 'run',
    },
  ),
  evalSamples: integer(
    { min: 0, max: 4096 },
    {
      label: 'Samples per test problem',
      help: 'samples a test problem, besides the greedy answer',
      standard: 8,
      source: 'pass@8',
      nano: 2,
      nanoSource: 'preset of nano: one batch with the greedy answers',
      flag: 'eval-samples',
      section: 'run',
    },
  ),
  evalTemperature: number(
    { min: 0, max: 10 },
    {
      label: 'Evaluation temperature',
      help: 'of the samples of the evaluation',
      standard: 1,
      source: 'the temperature that is trained at',
      flag: 'eval-temperature',
      section: 'more',
    },
  ),
  seed: integer(
    { min: 0, max: 2 ** 32 - 1 },
    {
      label: 'Seed',
      help: 'of problems, sampling and adapter',
      standard: 1,
      source: 'equal seeds, equal runs',
      flag: 'seed',
      section: 'run',
    },
  ),
  asserts: choice(
    { all: 'all shown', 'all-but-one': 'all but one' },
    {
      label: 'Asserts the model sees',
      help: 'asserts that prompts and feedback show',
      standard: 'all',
      source: 'SRRL',
      flag: 'asserts',
      section: 'more',
    },
  ),
  maxTokens: integer(
    { min: 1, max: 131_072 },
    {
      label: 'Max new tokens',
      help: 'most new tokens of a completion',
      standard: 512,
      source: 'TRL',
      nano: 96,
      nanoSource: 'preset of nano: its programs end within 80',
      flag: 'max-tokens',
      section: 'more',
    },
  ),
  timeoutSeconds: number(
    { min: 0.1, max: 3600 },
    {
      label: 'Seconds per program',
      help: 'seconds a program may take, before calibration to the machine',
      standard: 10,
      source: 'SRRL',
      nano: 5,
      nanoSource: 'preset of nano: its programs take microseconds',
      flag: 'timeout',
      section: 'more',
    },
  ),
  checkpointEvery: integer(
    { min: 1, max: MANY },
    {
      label: 'Steps between checkpoints',
      help: 'steps between checkpoints',
      standard: 1,
      source: 'this lab',
      flag: 'checkpoint-every',
      section: 'more',
    },
  ),
} as const;

/** The adapter that is trained; what an adapter to start from has instead. */
export const LORA = {
  rank: integer(
    { min: 1, max: 1024 },
    {
      label: 'LoRA rank',
      help: 'LoRA rank',
      standard: 16,
      source: 'TRL, “LoRA without regret”',
      flag: 'rank',
      section: 'more',
    },
  ),
  alpha: number(
    { min: 1e-6, max: 65_536 },
    {
      label: 'LoRA alpha',
      symbol: 'α',
      help: 'LoRA alpha',
      standard: 32,
      source: 'TRL, “LoRA without regret”',
      flag: 'alpha',
      section: 'more',
    },
  ),
} as const;

/** AdamW and the norm that gradients are clipped to. */
export const OPTIMIZER = {
  clipNorm: number(
    { min: 0, max: 1e6 },
    {
      label: 'Gradient clipping norm',
      help: 'norm that the gradient is clipped to',
      standard: 1,
      source: 'TRL',
      flag: 'clip-norm',
      section: 'more',
    },
  ),
  beta1: number(
    { min: 0, max: 0.999999 },
    {
      label: 'AdamW β₁',
      symbol: 'β₁',
      help: 'decay of the first moment',
      standard: 0.9,
      source: 'TRL',
      flag: 'adam-beta1',
      section: 'more',
    },
  ),
  beta2: number(
    { min: 0, max: 0.999999 },
    {
      label: 'AdamW β₂',
      symbol: 'β₂',
      help: 'decay of the second moment',
      standard: 0.999,
      source: 'TRL',
      flag: 'adam-beta2',
      section: 'more',
    },
  ),
  epsilon: number(
    { min: 0, max: 1 },
    {
      label: 'AdamW ε',
      help: 'added to the root of the second moment',
      standard: 1e-8,
      source: 'TRL',
      flag: 'adam-epsilon',
      section: 'more',
    },
  ),
  weightDecay: number(
    { min: 0, max: 1 },
    {
      label: 'Weight decay',
      help: 'weight decay of AdamW',
      standard: 0,
      source: 'TRL',
      flag: 'weight-decay',
      section: 'more',
    },
  ),
} as const;

/** The policy-gradient loss. */
export const LOSS = {
  aggregation: choice(
    { dapo: 'dapo', grpo: 'grpo', dr_grpo: 'dr_grpo', bnpo: 'bnpo' },
    {
      label: 'Loss aggregation',
      symbol: 'Z',
      help: 'what the loss is divided by',
      standard: 'dapo',
      source: 'TRL',
      flag: 'aggregation',
      formerFlag: 'agg',
      section: 'loss',
    },
  ),
  epsLow: number(
    { min: 0, max: 1 },
    {
      label: 'Clip ε low',
      symbol: 'ε_low',
      help: 'clip the ratio below 1 − this',
      standard: 0.2,
      source: 'DAPO',
      flag: 'eps-low',
      section: 'loss',
    },
  ),
  epsHigh: number(
    { min: 0, max: 1000 },
    {
      label: 'Clip ε high',
      symbol: 'ε_high',
      help: 'clip the ratio above 1 + this',
      standard: 0.28,
      source: 'DAPO, clip-higher',
      flag: 'eps-high',
      section: 'loss',
    },
  ),
  beta: number(
    { min: 0, max: 1000 },
    {
      label: 'KL weight β',
      symbol: 'β',
      help: 'weight of the KL to the base model',
      standard: 0,
      source: 'TRL',
      flag: 'beta',
      section: 'loss',
    },
  ),
  updates: integer(
    { min: 1, max: 1000 },
    {
      label: 'Updates per batch μ',
      symbol: 'μ',
      help: 'optimiser updates on the completions of a step',
      standard: 1,
      source: 'TRL, num_iterations',
      flag: 'mu',
      section: 'loss',
    },
  ),
  correctionCap: nullable(
    number(
      { min: 1, max: 1e6 },
      {
        label: 'Sampler correction cap C',
        symbol: 'C',
        help: "cap of the sampler's importance correction",
        standard: 2,
        source: 'verl, token level',
        flag: 'correction-cap',
        section: 'loss',
      },
    ),
    'off',
  ),
  maskTruncated: toggle(['masked', 'masked'], ['kept', 'kept'], {
    label: 'Truncated completions',
    help: 'completions cut at the most new tokens: out of the loss, or in it',
    standard: true,
    source: 'DAPO, overlong filtering',
    flag: 'truncated',
    section: 'loss',
  }),
} as const;

/** G: methods that answer each problem as often. */
export const GROUP = integer(
  { min: 1, max: 4096 },
  {
    label: 'Group size G',
    symbol: 'G',
    help: 'completions a problem',
    standard: 10,
    source: 'this lab',
    flag: 'group',
    section: 'run',
  },
);
