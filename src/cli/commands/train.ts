import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { mapLines } from '../../lib/json.ts';
import {
  LORA_TARGETS,
  type LoraTarget,
  type LossOptions,
  type TrainSequence,
} from '../../model/engine.ts';
import { readAdapter, writeAdapter } from '../../model/weights/peft.ts';
import { checkTeacher } from '../../model/train/teacher.ts';
import { writeSafetensors } from '../../model/weights/safetensors.ts';
import { parseFlags, UsageError, type OptionSpec, type Values } from '../args.ts';
import type { Command } from '../command.ts';
import { folderSource } from '../../storage/node/folder-source.ts';
import { outFile, outFolder, print, readText, writeWhole } from '../io.ts';
import {
  checkIds,
  loadEngine,
  MODEL_FLAGS,
  openModelFolder,
  parseWeights,
  WEIGHT_FLAGS,
} from '../model.ts';

const FLAGS = {
  ...MODEL_FLAGS,
  weights: WEIGHT_FLAGS.weights,
  data: {
    kind: 'text',
    required: true,
    value: 'batch.jsonl',
    help:
      'lines {"ids", "prompt_len", "group"?, "temperature"?, "weight"?, "advantage", ' +
      '"old_logprobs"?, "teacher"}; see docs/cli.md',
  },
  loss: {
    kind: 'text',
    required: true,
    value: 'pg|nll|kd',
    choices: ['pg', 'nll', 'kd'],
    help: 'policy gradient, weighted negative log-likelihood, or distillation',
  },
  steps: { kind: 'integer', min: 1, fallback: 1, help: 'optimiser steps on the same batch' },
  lr: { kind: 'number', min: 0, fallback: 1e-5, help: 'learning rate' },
  rank: { kind: 'integer', min: 1, help: 'LoRA rank (16, or that of --init)' },
  alpha: { kind: 'number', min: 1e-6, help: 'LoRA alpha (32, or that of --init)' },
  targets: {
    kind: 'list',
    choices: LORA_TARGETS,
    help: 'linears that get an adapter (all seven, or those of --init)',
  },
  seed: {
    kind: 'integer',
    min: 0,
    max: 2 ** 32 - 1,
    fallback: 0,
    help: "of the adapter's random A",
  },
  init: { kind: 'text', value: 'DIR', help: 'start from this adapter (fresh optimiser)' },
  agg: {
    kind: 'text',
    choices: ['dapo', 'grpo', 'dr_grpo', 'bnpo'],
    fallback: 'dapo',
    help: 'what the policy-gradient loss is divided by',
  },
  'eps-low': { kind: 'number', min: 0, fallback: 0.2, help: 'lower clip bound' },
  'eps-high': { kind: 'number', min: 0, fallback: 0.28, help: 'upper clip bound' },
  beta: { kind: 'number', min: 0, fallback: 0, help: 'weight of the KL to the base (pg, nll)' },
  'kd-mode': {
    kind: 'text',
    choices: ['tail', 'renorm'],
    fallback: 'tail',
    help: "distil the teacher's tokens and the mass outside them, or renormalise over them",
  },
  'max-tokens': {
    kind: 'integer',
    min: 1,
    help: 'L_max of dr_grpo (the longest completion of the batch)',
  },
  'clip-norm': { kind: 'number', min: 0, fallback: 1, help: 'largest gradient norm' },
  gradient: {
    kind: 'text',
    value: 'FILE',
    help: "write the last step's gradient, before clipping, as safetensors under the adapter's names",
  },
  out: { kind: 'text', required: true, value: 'DIR', help: 'where the PEFT adapter goes' },
  json: { kind: 'flag', help: 'a JSON line a step' },
} as const satisfies Record<string, OptionSpec>;

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
/** JSON has no infinity, but 1e400 parses to one. */
const finite = v.pipe(v.number(), v.finite());
/** Rows of k, one a completion token. */
const Teacher = v.pipe(
  v.object({ ids: v.array(v.array(whole)), logprobs: v.array(v.array(finite)) }),
  v.check(({ ids, logprobs }) => {
    const k = ids[0]?.length ?? 0;
    return (
      k > 0 &&
      ids.length === logprobs.length &&
      [...ids, ...logprobs].every((row) => row.length === k)
    );
  }, 'ids and logprobs need the same number of rows, all of one length'),
);
const Line = v.pipe(
  v.object({
    ids: v.array(whole),
    prompt_len: v.pipe(v.number(), v.integer(), v.minValue(1)),
    group: v.optional(v.union([v.string(), v.number()])),
    temperature: v.optional(v.pipe(v.number(), v.gtValue(0)), 1),
    advantage: v.optional(finite),
    old_logprobs: v.optional(v.array(finite)),
    weight: v.optional(finite),
    teacher: v.optional(Teacher),
  }),
  v.check(
    (line) => line.prompt_len < line.ids.length,
    'prompt_len leaves no completion token to train on',
  ),
  v.check(
    (line) =>
      line.old_logprobs === undefined ||
      line.old_logprobs.length === line.ids.length - line.prompt_len,
    'old_logprobs needs one value a completion token',
  ),
  v.check(
    (line) =>
      line.teacher === undefined || line.teacher.ids.length === line.ids.length - line.prompt_len,
    'teacher needs one row a completion token',
  ),
);
type Line = v.InferOutput<typeof Line>;

type LossKind = LossOptions['kind'];
/** What every line must hold. */
const NEEDED: Readonly<Partial<Record<LossKind, { field: 'advantage' | 'teacher'; by: string }>>> =
  {
    pg: { field: 'advantage', by: 'the policy-gradient loss' },
    kd: { field: 'teacher', by: 'distillation' },
  };

/** As in docs/methods.md, Defaults: AdamW β .9/.999, ε 1e-8, no weight decay. */
const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

export const train: Command = {
  name: 'train',
  summary: 'optimiser steps on one batch, then a PEFT adapter',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const weights = parseWeights(flags.weights);
    if (flags.loss === 'kd' && flags.beta > 0)
      throw new UsageError('--beta weighs the KL of pg and nll; --loss kd has none.');
    const files = await openModelFolder(flags.model, weights, root);
    const groupOf = groups();
    const sequences = mapLines(
      Line,
      await readText(flags.data, 'The batch'),
      flags.data,
      (line, label) => {
        checkIds(line.ids, files.config, label);
        const needed = NEEDED[flags.loss];
        if (needed && line[needed.field] === undefined)
          throw new Error(`${label}, has no "${needed.field}", which ${needed.by} needs.`);
        const sequence = sequenceOf(line, groupOf(line));
        if (flags.loss === 'kd') checkTeacher(sequence, label, files.config.vocabSize);
        return sequence;
      },
    );
    await outFolder(flags.out);
    if (flags.gradient !== undefined) await outFile(flags.gradient);
    const init =
      flags.init === undefined
        ? null
        : await readAdapter(folderSource(resolve(flags.init)), files.config);
    const engine = await loadEngine(files, weights);
    const lora = {
      rank: flags.rank ?? init?.config.rank ?? 16,
      alpha: flags.alpha ?? init?.config.alpha ?? 32,
      targets: (flags.targets as LoraTarget[] | undefined) ?? init?.config.targets ?? LORA_TARGETS,
    };
    if (init) engine.loadAdapter('student', lora, init.tensors);
    else engine.createAdapter('student', lora, flags.seed);

    const loss = lossOf(flags, sequences);
    for (let step = 1; step <= flags.steps; step++) {
      const result = await engine.trainStep({
        adapter: 'student',
        sequences,
        loss,
        optimizer: { learningRate: flags.lr, clipNorm: flags['clip-norm'], ...ADAMW },
        reference: true,
      });
      const line = {
        step,
        loss: result.loss,
        grad_norm: result.gradNorm,
        kl: result.kl,
        tokens: result.tokens,
        skipped: result.skipped,
      };
      await print(
        flags.json
          ? JSON.stringify(line)
          : `step ${step}  loss ${result.loss.toPrecision(6)}  gradient norm ` +
              `${result.gradNorm.toPrecision(5)}  KL ${result.kl.toPrecision(4)}  ` +
              `${result.tokens} ` +
              `tokens${result.skipped ? '  skipped: the gradient was not finite' : ''}`,
      );
    }
    if (flags.gradient !== undefined)
      await writeWhole(flags.gradient, writeSafetensors(await engine.exportGradient('student')));
    for (const [name, bytes] of Object.entries(
      writeAdapter({ config: lora, tensors: await engine.exportAdapter('student') }, files.name),
    )) {
      await writeWhole(join(flags.out, name), bytes);
    }
    engine.destroy();
    return 0;
  },
};

function lossOf(flags: Values<typeof FLAGS>, sequences: readonly TrainSequence[]): LossOptions {
  switch (flags.loss) {
    case 'kd':
      return { kind: 'kd', mode: flags['kd-mode'] as 'tail' };
    case 'nll':
      return { kind: 'nll', aggregation: 'sum', beta: flags.beta, floor: null };
    case 'pg':
      return {
        kind: 'pg',
        aggregation: flags.agg as 'dapo',
        epsLow: flags['eps-low'],
        epsHigh: flags['eps-high'],
        beta: flags.beta,
        correctionCap: null,
        maxTokens:
          flags['max-tokens'] ??
          Math.max(...sequences.map((sequence) => sequence.completion.length)),
      };
  }
}

/**
 * Lines of one group share their prompt's computation where the prompts are equal; a line without
 * group stands alone.
 */
function groups(): (line: Line) => number {
  const known = new Map<string, number>();
  let next = 0;
  return ({ group, ids, prompt_len }) => {
    if (group === undefined) return next++;
    const key = `${group} ${ids.slice(0, prompt_len).join(' ')}`;
    const number = known.get(key) ?? next++;
    known.set(key, number);
    return number;
  };
}

function sequenceOf(line: Line, group: number): TrainSequence {
  return {
    group,
    prompt: line.ids.slice(0, line.prompt_len),
    completion: line.ids.slice(line.prompt_len),
    temperature: line.temperature,
    ...(line.advantage === undefined ? {} : { advantage: line.advantage }),
    ...(line.old_logprobs === undefined ? {} : { oldLogprobs: line.old_logprobs }),
    ...(line.weight === undefined ? {} : { weight: line.weight }),
    ...(line.teacher && {
      teacher: {
        k: line.teacher.ids[0]?.length ?? 0,
        ids: line.teacher.ids.flat(),
        logprobs: line.teacher.logprobs.flat(),
      },
    }),
  };
}
