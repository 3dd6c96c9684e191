import { METHODS, type Method } from '../../schema/config.ts';
import { SIZE_NAMES } from '../../session/presets.ts';
import { parseFlags, UsageError, type OptionSpec, type Values } from '../args.ts';
import { DATASET_VALUE } from '../dataset.ts';
import { MEMORY_FLAG } from '../machine.ts';
import { WEIGHT_FLAGS } from '../model.ts';

const whole = { kind: 'integer', min: 0 } as const;
const positive = { kind: 'integer', min: 1 } as const;

/** Flags of `run`. What is left out comes from --config, or the preset of (method, model). */
export const RUN_FLAGS = {
  config: {
    kind: 'text',
    value: 'run.json',
    help: 'a complete configuration, as a run writes it; flags override it',
  },
  method: {
    kind: 'list',
    choices: METHODS,
    value: 'M1,M2,…',
    help: `training methods, compared with each other: ${METHODS.join(', ')}`,
  },
  preset: {
    kind: 'text',
    choices: SIZE_NAMES,
    help: 'problems: 30 and 30 for testing, or 200 and 224',
  },
  model: { kind: 'text', value: 'nano|FOLDER', help: 'the embedded model, or a folder' },
  adapter: {
    kind: 'text',
    value: 'DIR',
    help: 'start from this adapter, with its rank, alpha and targets',
  },
  dataset: { kind: 'text', value: DATASET_VALUE, help: 'problems' },
  train: { ...positive, help: 'problems to train on' },
  val: { ...whole, help: 'problems for validation' },
  test: { ...whole, help: 'problems for the evaluation before and after' },
  'eval-samples': { ...whole, help: 'samples a test problem, besides the greedy answer' },
  'eval-temperature': { kind: 'number', min: 0, help: 'their temperature' },
  asserts: {
    kind: 'text',
    choices: ['all', 'all-but-one'],
    help: 'asserts that prompts and feedback show',
  },
  group: { ...positive, help: 'completions a problem (G)' },
  'problems-per-step': { ...positive, help: 'problems a step' },
  'max-tokens': { ...positive, help: 'most new tokens of a completion' },
  temperature: { kind: 'number', min: 0, help: 'of training samples' },
  lr: { kind: 'number', min: 0, help: 'learning rate' },
  rank: { ...positive, help: 'LoRA rank' },
  alpha: { kind: 'number', help: 'LoRA alpha' },
  agg: {
    kind: 'text',
    choices: ['dapo', 'grpo', 'dr_grpo', 'bnpo'],
    help: 'what the loss is divided by',
  },
  beta: {
    kind: 'number',
    min: 0,
    help: 'weight of the KL to the base; of the reflector in reflkd',
  },
  mu: { ...positive, help: 'optimiser updates a step (μ)' },
  'eps-low': { kind: 'number', min: 0, help: 'clip below 1 − this' },
  'eps-high': { kind: 'number', min: 0, help: 'clip above 1 + this' },
  truncated: {
    kind: 'text',
    choices: ['masked', 'kept'],
    help: 'completions cut at --max-tokens: out of the loss, or in it',
  },
  'correction-cap': { kind: 'number', min: 1, help: "cap of the sampler's correction (C)" },
  first: { ...positive, help: 'first attempts a problem (c1)' },
  refinements: { ...positive, help: 'second answers a failed first one (c2)' },
  'c2-temperature': { kind: 'number', min: 0.01, help: 'their temperature' },
  lambda: { kind: 'number', min: 0, help: 'weight of c2 in the loss' },
  advantage: {
    kind: 'text',
    choices: ['pooled', 'phase'],
    help: 'one mean for c1 and c2, or one each',
  },
  baselines: { ...positive, help: 'attempts a problem without reflection' },
  reflections: { ...positive, help: 'reflections on the first failing one (K)' },
  retries: { ...positive, help: 'retries a reflection (m)' },
  'kd-mode': { kind: 'text', choices: ['tail', 'renorm'], help: 'mass outside the top k' },
  'kd-top-k': { ...positive, help: "the teacher's most likely tokens" },
  'kd-target': {
    kind: 'text',
    choices: ['retry', 'fresh'],
    help: 'what is distilled: the retry, or a fresh answer',
  },
  'kd-teacher': { kind: 'text', choices: ['snapshot', 'ema', 'base'], help: 'whose distribution' },
  steps: { ...positive, help: 'optimiser steps' },
  'budget-tokens': {
    ...positive,
    help: 'end after so many tokens instead; several methods get equal ones by default',
  },
  'checkpoint-every': { ...positive, help: 'steps between checkpoints' },
  timeout: { kind: 'number', min: 0.1, help: 'seconds a program' },
  seed: { kind: 'integer', min: 0, max: 2 ** 32 - 1, help: 'of problems, sampling and adapter' },
  seeds: { kind: 'list', value: '1,2,3', help: 'a run each, in folders of their own below --out' },
  weights: WEIGHT_FLAGS.weights,
  ...MEMORY_FLAG,
  out: {
    kind: 'text',
    required: true,
    value: 'DIR',
    help:
      'the run: config.json, events.jsonl, tokens.bin, checkpoints, adapters, ' +
      'summary.json; or runs, and comparison.json',
  },
  resume: {
    kind: 'flag',
    help: 'go on with what --out holds: finished runs are skipped, unstarted ones start',
  },
  json: { kind: 'flag', help: 'print summary.json on stdout, a line a run' },
} as const satisfies Record<string, OptionSpec>;
export type RunFlags = Values<typeof RUN_FLAGS>;

const GROUPS: readonly Method[] = ['grpo', 'random-reward', 'rft'];
const CLIPPED: readonly Method[] = ['grpo', 'srrl', 'resample', 'random-reward'];
const SECOND: readonly Method[] = ['srrl', 'resample'];

/** Flags that only some methods have. */
const BELONGS: Partial<Record<keyof RunFlags, readonly Method[]>> = {
  group: GROUPS,
  agg: CLIPPED,
  mu: [...CLIPPED, 'rft'],
  'eps-low': CLIPPED,
  'eps-high': CLIPPED,
  'correction-cap': CLIPPED,
  first: SECOND,
  refinements: SECOND,
  'c2-temperature': ['srrl'],
  lambda: ['srrl'],
  advantage: ['srrl'],
  baselines: ['reflkd'],
  reflections: ['reflkd'],
  retries: ['reflkd'],
  'kd-mode': ['reflkd'],
  'kd-top-k': ['reflkd'],
  'kd-target': ['reflkd'],
  'kd-teacher': ['reflkd'],
};

/** Whether `method` listens to a flag. */
export function has(method: Method, flag: keyof RunFlags): boolean {
  return BELONGS[flag]?.includes(method) ?? true;
}

export function parseRunFlags(argv: readonly string[]): RunFlags {
  const flags = parseFlags(RUN_FLAGS, argv);
  if (flags.seeds && flags.seed !== undefined)
    throw new UsageError('--seed and --seeds exclude each other.');
  if (flags.steps !== undefined && flags['budget-tokens'] !== undefined)
    throw new UsageError('--steps and --budget-tokens exclude each other.');
  if (flags.adapter !== undefined && (flags.rank !== undefined || flags.alpha !== undefined))
    throw new UsageError(
      '--adapter has a rank and an alpha of its own; leave --rank and --alpha out.',
    );
  if (flags.config !== undefined && flags.preset !== undefined)
    throw new UsageError(
      '--config and --preset exclude each other: a configuration has its numbers of problems.',
    );
  return flags;
}

/** Refuses flags that none of the run's methods has. */
export function refuseForeignFlags(flags: RunFlags, methods: readonly Method[]): void {
  for (const [name, owners] of Object.entries(BELONGS)) {
    const flag = name as keyof RunFlags;
    if (flags[flag] === undefined || methods.some((method) => has(method, flag))) continue;
    throw new UsageError(
      `--${flag} is a setting of ${list(owners)}; ${list(methods)} ` +
        `${methods.length === 1 ? 'has' : 'have'} none of that name.`,
    );
  }
}

function list(words: readonly string[]): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`;
}
