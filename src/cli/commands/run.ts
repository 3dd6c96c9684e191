import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Grader } from '../../eval/grader.ts';
import { formatPercent } from '../../lib/format.ts';
import { writeAdapter } from '../../model/peft.ts';
import type { RunConfig } from '../../schema/config.ts';
import type { RunEvent } from '../../schema/events.ts';
import { presetOf } from '../../session/presets.ts';
import { isFinished } from '../../session/run-state.ts';
import { parseConfig } from '../../session/checks.ts';
import type { Outcome, RunPorts } from '../../session/run-ports.ts';
import { Run } from '../../session/run.ts';
import { FolderStore } from '../../storage/node/folder-store.ts';
import { parseFlags, UsageError, type OptionSpec, type Values } from '../args.ts';
import type { Command } from '../command.ts';
import { problemsOf, resolveDataset } from '../dataset.ts';
import { print, readText, remark } from '../io.ts';
import { loadEngine, openModelFiles, parseWeights, resolveModel } from '../model.ts';
import { openGrader } from '../grader.ts';

const whole = { kind: 'integer', min: 0 } as const;
const positive = { kind: 'integer', min: 1 } as const;
const FLAGS = {
  config: { kind: 'text', value: 'run.json', help: 'a complete configuration, as a run writes it; flags override it' },
  method: { kind: 'list', value: 'grpo', help: 'training method' },
  model: { kind: 'text', value: 'nano|FOLDER', help: 'the embedded model, or a folder' },
  dataset: { kind: 'text', value: 'starter|FILE', help: 'the starter problems, or a problem file' },
  train: { ...positive, help: 'problems to train on' },
  val: { ...whole, help: 'problems for validation' },
  test: { ...whole, help: 'problems for the evaluation before and after' },
  'eval-samples': { ...whole, help: 'samples a test problem, besides the greedy answer' },
  'eval-temperature': { kind: 'number', min: 0, help: 'their temperature' },
  group: { ...positive, help: 'completions a problem (G)' },
  'problems-per-step': { ...positive, help: 'problems a step' },
  'max-tokens': { ...positive, help: 'most new tokens of a completion' },
  temperature: { kind: 'number', min: 0, help: 'of training samples' },
  lr: { kind: 'number', min: 0, help: 'learning rate' },
  rank: { ...positive, help: 'LoRA rank' },
  alpha: { kind: 'number', help: 'LoRA alpha' },
  agg: { kind: 'text', choices: ['dapo', 'grpo', 'dr_grpo', 'bnpo'], help: 'what the loss is divided by' },
  beta: { kind: 'number', min: 0, help: 'weight of the KL to the base' },
  steps: { ...positive, help: 'optimiser steps' },
  'budget-tokens': { ...positive, help: 'end after so many tokens instead of --steps' },
  'checkpoint-every': { ...positive, help: 'steps between checkpoints' },
  timeout: { kind: 'number', min: 0.1, help: 'seconds a program' },
  seed: { kind: 'integer', min: 0, max: 2 ** 32 - 1, help: 'of problems, sampling and adapter' },
  seeds: { kind: 'list', value: '1,2,3', help: 'a run each, in folders of their own below --out' },
  weights: { kind: 'text', value: 'f32|f16', help: 'precision of the frozen weights (as stored)' },
  out: {
    kind: 'text',
    required: true,
    value: 'DIR',
    help: 'the run: config.json, events.jsonl, tokens.bin, checkpoints, adapter/, summary.json',
  },
  resume: { kind: 'flag', help: 'go on from the last checkpoint in --out' },
  json: { kind: 'flag', help: 'print summary.json on stdout, a line a run' },
} as const satisfies Record<string, OptionSpec>;
type Flags = Values<typeof FLAGS>;

export const run: Command = {
  name: 'run',
  summary: 'a training run (GRPO), or a resumable matrix of runs',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const seeds = flags.seeds?.map(parseSeed) ?? null;
    if (seeds && flags.seed !== undefined) throw new UsageError('--seed and --seeds exclude each other.');
    if (flags.steps !== undefined && flags['budget-tokens'] !== undefined)
      throw new UsageError('--steps and --budget-tokens exclude each other.');
    const out = resolve(flags.out);
    const jobs = seeds
      ? seeds.map((seed) => ({ folder: join(out, `seed-${seed}`), seed }))
      : [{ folder: out, seed: flags.seed }];

    const grader = openGrader();
    try {
      for (const { folder, seed } of jobs) {
        const outcome = await runOne(flags, folder, seed, { root, grader, matrix: seeds !== null });
        if (outcome.state === 'paused') return outcome.interrupted ? 130 : 1;
      }
      return 0;
    } finally {
      await grader.close();
    }
  },
};

interface Surroundings {
  readonly root: string;
  readonly grader: Grader;
  readonly matrix: boolean;
}

/** What a run needs under Node: runs live in folders below `folder`. */
export function nodeRunPorts(folder: string, root: string, grader: Grader): RunPorts {
  return {
    store: new FolderStore(folder),
    openModel: async (config) => {
      const files = await openModelFiles(config.model, root, config);
      const engine = await loadEngine(files, config.weights);
      return { engine, text: files.text, device: engine.opened.info };
    },
    problems: (config) => problemsOf(config, root),
    grade: grader.grade,
    adapterFiles: (tensors, config) => writeAdapter({ config: config.lora, tensors }, config.model),
    onEvents: () => undefined,
    onStatus: () => undefined,
    clock: Date.now,
  };
}

async function runOne(
  flags: Flags,
  folder: string,
  seed: number | undefined,
  { root, grader, matrix }: Surroundings,
): Promise<{ state: Outcome['state']; interrupted: boolean }> {
  const store = new FolderStore(dirname(folder));
  const runId = basename(folder);
  const begun = existsSync(join(folder, 'config.json')) && existsSync(join(folder, 'events.jsonl'));
  if (begun && !flags.resume)
    throw new UsageError(
      `--out ${folder} holds a run already; add --resume to go on with it, or choose another folder.`,
    );
  if (!begun && flags.resume && !matrix) throw new UsageError(`--resume: there is no run in ${folder}.`);

  const ports: RunPorts = {
    ...nodeRunPorts(dirname(folder), root, grader),
    store,
    onEvents: (_, events) => events.forEach((event) => report(event)),
  };
  if (begun && (await alreadyFinished(store, runId))) {
    remark(`${folder} is finished.`);
    if (flags.json) await printSummary(folder);
    return { state: 'finished', interrupted: false };
  }
  const current = begun ? await Run.resume(ports, runId) : await Run.create(ports, runId, await configOf(flags, seed));
  let interrupted = false;
  const onSignal = () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    remark('Pausing after the current step; Ctrl-C again quits at once.');
    current.pause();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const outcome = await current.go();
    remark(
      outcome.state === 'paused'
        ? `${outcome.reason} Go on with: afterthought run --out ${folder} --resume`
        : outcome.reason,
    );
    if (outcome.state === 'finished') {
      if (flags.json) await printSummary(folder);
      else remark(`The adapter is in ${join(folder, 'adapter')}, the figures in ${join(folder, 'summary.json')}.`);
    }
    return { state: outcome.state, interrupted };
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** The configuration: --config or the preset of (method, model), then the flags. Every value ends up written out. */
async function configOf(flags: Flags, seed: number | undefined): Promise<RunConfig> {
  const other = flags.method?.find((method) => method !== 'grpo');
  if (other !== undefined) throw new UsageError(`--method ${other}: this version trains with grpo only.`);
  const file =
    flags.config === undefined
      ? null
      : parseConfig(parse(await readText(flags.config, 'The configuration'), flags.config), flags.config);
  const base = file ?? presetOf('grpo', await resolveModel(flags.model ?? 'nano'));
  return {
    ...base,
    model: await resolveModel(flags.model ?? base.model),
    dataset: await resolveDataset(flags.dataset ?? base.dataset),
    seed: seed ?? base.seed,
    train: flags.train ?? base.train,
    val: flags.val ?? base.val,
    test: flags.test ?? base.test,
    steps: flags['budget-tokens'] !== undefined ? null : (flags.steps ?? base.steps),
    budgetTokens: flags['budget-tokens'] ?? (flags.steps !== undefined ? null : base.budgetTokens),
    group: flags.group ?? base.group,
    problemsPerStep: flags['problems-per-step'] ?? base.problemsPerStep,
    maxTokens: flags['max-tokens'] ?? base.maxTokens,
    temperature: flags.temperature ?? base.temperature,
    learningRate: flags.lr ?? base.learningRate,
    lora: { ...base.lora, rank: flags.rank ?? base.lora.rank, alpha: flags.alpha ?? base.lora.alpha },
    loss: {
      ...base.loss,
      aggregation: (flags.agg as RunConfig['loss']['aggregation'] | undefined) ?? base.loss.aggregation,
      beta: flags.beta ?? base.loss.beta,
    },
    timeoutSeconds: flags.timeout ?? base.timeoutSeconds,
    evalSamples: flags['eval-samples'] ?? base.evalSamples,
    evalTemperature: flags['eval-temperature'] ?? base.evalTemperature,
    weights: flags.weights === undefined ? base.weights : parseWeights(flags.weights),
    checkpointEvery: flags['checkpoint-every'] ?? base.checkpointEvery,
  };
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON: ${error instanceof Error ? error.message : String(error)}.`, {
      cause: error,
    });
  }
}

function parseSeed(word: string): number {
  const seed = Number(word);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new UsageError(`--seeds takes whole numbers from 0 to 4294967295, \`${word}\` is none.`);
  return seed;
}

async function alreadyFinished(store: FolderStore, runId: string): Promise<boolean> {
  const stored = await store.open(runId);
  try {
    return isFinished(await stored.readEvents());
  } finally {
    await stored.close();
  }
}

async function printSummary(folder: string): Promise<void> {
  await print(JSON.stringify(JSON.parse(await readText(join(folder, 'summary.json'), 'The summary'))));
}

/** One line for people, on stderr, for the events they wait for. */
function report(event: RunEvent): void {
  switch (event.type) {
    case 'run.started':
      remark(
        `${event.config.method} · ${event.config.model} · ${event.problems.train.length} problems · seed ${event.config.seed} · ${event.device.description || event.device.vendor}`,
      );
      break;
    case 'run.resumed':
      remark(`Going on from step ${event.step}.`);
      break;
    case 'update.applied': {
      const { sample, grade, update } = event.seconds;
      const effect = event.noSignal
        ? 'no signal'
        : event.skipped
          ? 'skipped: the gradient was not finite'
          : `KL ${event.kl.toPrecision(3)}  |g| ${event.gradNorm.toPrecision(3)}  gap ${(event.samplerGap ?? 0).toExponential(1)}`;
      remark(
        `step ${String(event.step).padStart(3)}  reward ${event.reward.toFixed(3)}  entropy ${event.entropy.toFixed(3)}  ${effect}  ` +
          `${event.zeroSignal}/${event.groups} without signal  ${sample.toFixed(1)} + ${grade.toFixed(1)} + ${update.toFixed(1)} s  ${Math.round(event.tokensPerSecond)} tokens/s`,
      );
      break;
    }
    case 'eval.completed': {
      const greedy = event.greedy ? `greedy ${event.greedy.passes}/${event.greedy.problems}` : '';
      const sampled = event.sampled ? `sampled ${formatPercent(event.sampled.rate)}` : '';
      remark(`evaluation ${event.when}: ${[greedy, sampled].filter(Boolean).join(', ')}`);
      break;
    }
    case 'warning.raised':
      remark(event.message);
      break;
    default:
      break;
  }
}
