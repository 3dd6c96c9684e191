import type { Engine, GenerateRequest, TrainSequence } from '../model/engine.ts';
import type { GenerationNeed } from '../model/plan/memory-plan.ts';
import type { RunConfig } from '../schema/config.ts';
import type { StepEstimate } from '../schema/plan.ts';
import type { TrainedWork } from '../settings/method.ts';
import { stepWork, type StepWork } from './step-work.ts';

/**
 * New tokens of a short and of a long generation: their difference is decoding alone, without
 * prompt and preparation.
 */
const SHORT = 8;
const LONG = 32;
/** Rows of the first, small training batch. */
const FIRST_ROWS = 64;
/**
 * Longest that one measurement may be expected to take; what would take longer is worked out from a
 * smaller one. Seconds.
 */
const PATIENCE = 20;

/** Seconds, measured. */
interface DecodeRate {
  readonly token: number;
  readonly prompt: number;
  /** Null: measured once only. */
  readonly noise: number | null;
}

/**
 * How long a step of `config` takes on this engine: a few tokens for as many answers as are written
 * side by side, one training batch on a throw-away adapter, scaled to the step. It leaves a useless
 * `student` behind, so it comes before a run's own.
 * @param promptTokens of the longest plain prompt. @param now seconds.
 */
export async function measureStep(
  engine: Engine,
  config: RunConfig,
  promptTokens: number,
  now: () => number,
): Promise<StepEstimate> {
  const started = now();
  const work = stepWork(config, promptTokens, engine.maxContext);
  engine.createAdapter('student', config.lora, config.seed);
  const timed = async (act: () => Promise<unknown>) => {
    const from = now();
    await act();
    return now() - from;
  };
  const rates = new Map<number, DecodeRate>();
  for (const need of work.generations) {
    const width = widthOf(engine, need);
    if (!rates.has(width)) rates.set(width, await decodeRate(engine, need, width, timed));
  }
  const update = await rowSeconds(engine, config, work, timed);
  const sampled = (share: number) =>
    work.generations.reduce((sum, need) => {
      const width = widthOf(engine, need);
      const { token, prompt } = rates.get(width) ?? { token: 0, prompt: 0 };
      return (
        sum +
        Math.ceil(need.sequences / width) * share * need.maxTokens * token +
        need.prompts * prompt
      );
    }, 0);
  const trained = (share: number) => {
    const rows = work.trainings.reduce(
      (sum, t) => sum + t.prompts * t.promptTokens + t.sequences * (share * t.completionTokens - 1),
      0,
    );
    return config.loss.updates * rows * update.row;
  };
  const both = (of: (share: number) => number) => ({ half: of(0.5), full: of(1) });
  return {
    sample: both(sampled),
    update: both(trained),
    step: both((share) => sampled(share) + trained(share)),
    noise: worst([update.noise, ...[...rates.values()].map((rate) => rate.noise)]),
    measured: now() - started,
  };
}

function worst(noises: readonly (number | null)[]): number | null {
  return noises.reduce(
    (most, noise) => (most === null || noise === null ? null : Math.max(most, noise)),
    0,
  );
}

function widthOf(engine: Engine, need: GenerationNeed): number {
  return Math.min(engine.slots, need.sequences);
}

/** Some token ids; which ones does not matter for the time. */
function someIds(engine: Engine, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (7919 * i + 17) % engine.vocabSize);
}

async function decodeRate(
  engine: Engine,
  need: GenerationNeed,
  width: number,
  timed: (act: () => Promise<unknown>) => Promise<number>,
): Promise<DecodeRate> {
  const prompt = someIds(engine, Math.min(need.promptTokens, engine.maxContext - LONG));
  const generate = (maxTokens: number) => {
    const request: GenerateRequest = {
      prompt,
      samples: width,
      adapter: 'student',
      temperature: 1,
      topK: 0,
      topP: 1,
      seed: 1,
      stream: 0,
      maxTokens,
      stopIds: [],
    };
    return timed(() => engine.generate([request]));
  };
  const first = await generate(SHORT); // compiles what is not compiled yet
  if (first > PATIENCE) return { token: first / SHORT, prompt: 0, noise: null };
  const short = await generate(SHORT);
  const long = [await generate(LONG), await generate(LONG)] as const;
  const best = Math.min(...long);
  const token = Math.max(0, best - short) / (LONG - SHORT);
  return {
    token,
    prompt: Math.max(0, short - SHORT * token),
    noise: Math.abs(long[0] - long[1]) / best,
  };
}

/** Seconds a row of a training batch takes, the reference pass included. */
async function rowSeconds(
  engine: Engine,
  config: RunConfig,
  work: StepWork,
  timed: (act: () => Promise<unknown>) => Promise<number>,
): Promise<{ row: number; noise: number | null }> {
  const { aggregation, epsLow, epsHigh, beta, correctionCap } = config.loss;
  const widest = work.trainings.reduce((most, t) => (rowsOf(t) > rowsOf(most) ? t : most));
  const train = async (rows: number) => {
    const batch = sequencesOf(engine, widest, rows);
    const seconds = await timed(() =>
      engine.trainStep({
        adapter: 'student',
        sequences: batch.sequences,
        loss: {
          kind: 'pg',
          aggregation,
          epsLow,
          epsHigh,
          beta,
          correctionCap,
          maxTokens: config.maxTokens,
        },
        optimizer: { learningRate: 0, ...config.optimizer },
        reference: true,
      }),
    );
    return seconds / batch.rows;
  };
  const first = await train(FIRST_ROWS); // compiles what is not compiled yet
  const small = first * FIRST_ROWS > PATIENCE ? first : await train(FIRST_ROWS);
  const whole = Math.min(engine.microBatchRows, rowsOf(widest));
  if (small * whole > PATIENCE) return { row: small, noise: null };
  const [a, b] = [await train(whole), await train(whole)];
  return { row: Math.min(a, b), noise: Math.abs(a - b) / Math.min(a, b) };
}

function rowsOf({ prompts, promptTokens, sequences, completionTokens }: TrainedWork): number {
  return prompts * promptTokens + sequences * (completionTokens - 1);
}

/** Answers to one prompt that fill about `rows` rows; at least one. */
function sequencesOf(
  engine: Engine,
  { promptTokens, completionTokens, sequences }: TrainedWork,
  rows: number,
): { sequences: TrainSequence[]; rows: number } {
  const prompt = someIds(engine, Math.min(promptTokens, Math.ceil(rows / 2)));
  const length = Math.min(completionTokens, rows - prompt.length + 1);
  const count = Math.max(
    1,
    Math.min(sequences, Math.floor((rows - prompt.length) / Math.max(1, length - 1))),
  );
  const completion = someIds(engine, length);
  const one: TrainSequence = { group: 0, prompt, completion, temperature: 1, advantage: 1 };
  return {
    sequences: Array.from({ length: count }, () => one),
    rows: prompt.length + count * (length - 1),
  };
}
