import type { Problem } from '../data/problem.ts';
import type { Graded } from '../eval/context.ts';
import { mean, std } from '../lib/stats.ts';
import type { Completion, TrainResult, TrainSequence } from '../model/engine.ts';
import type { RunConfig } from '../schema/config.ts';
import type { TokenTotals } from '../schema/events.ts';
import { passCount, rewardOf } from '../schema/verdict.ts';
import type { MethodContext } from './method.ts';

/*
 * GRPO: G completions per problem from the plain prompt, group-relative advantages, one optimiser update a step (μ = 1).
 *
 * Source: Shao et al. 2024 (DeepSeekMath), with the loss of METHODS (clip-higher and token-level `dapo` aggregation from
 * DAPO; sampler correction u from verl). Departures from the paper:
 * - One update per batch of samples (μ = 1), so ℓ_old is the step's own ℓ and ρ = 1; the clip bounds only act when μ grows.
 * - No KL penalty by default (β = 0); KL to the base is computed and logged all the same.
 * - Rewards are 0 or 1 (every assert passes or not). A verdict the sandbox failed to reach is null and left out of mean,
 *   standard deviation and loss. "All equal" is decided on integer counts.
 * - Groups without signal (all rewards equal, or fewer than two rewards) are left out of the update, so they count
 *   neither in Z nor in the logged KL; TRL keeps their tokens in Z.
 * - Truncated completions keep their reward in the baseline and are masked out of the loss (`maskTruncated`).
 * - An EOS-first completion is a sequence of one token with reward 0, and its EOS is in the loss.
 * - A step in which nothing carries signal does not touch the optimiser: Adam's moments would decay on no evidence.
 */

export interface StepInput {
  /** From 1. */
  readonly step: number;
  readonly epoch: number;
  /** The step's problems in the seeded order. */
  readonly problems: readonly Problem[];
  /** Totals of the run before this step. */
  readonly totals: TokenTotals;
}

export interface StepOutcome {
  readonly totals: TokenTotals;
  /** A gradient was not finite and nothing was changed. */
  readonly skipped: boolean;
}

export interface GroupAdvantages {
  readonly mean: number;
  /** ddof 1. */
  readonly std: number;
  /** One per reward; 0 where the reward is null or the group has no signal. */
  readonly advantages: number[];
  /** False: all rewards equal, or fewer than two of them. */
  readonly signal: boolean;
}

/** A = (r − mean) / (std + 1e-4) over the non-null rewards of a group; without the division for `dr_grpo`. */
export function groupAdvantages(rewards: readonly (0 | 1 | null)[], divideByStd: boolean): GroupAdvantages {
  const paid = rewards.filter((r) => r !== null);
  const passes = paid.filter((r) => r === 1).length;
  const groupMean = mean(paid);
  const groupStd = std(paid);
  const signal = passes > 0 && passes < paid.length;
  const scale = divideByStd ? 1 / (groupStd + 1e-4) : 1;
  const advantages = rewards.map((r) => (signal && r !== null ? (r - groupMean) * scale : 0));
  return { mean: groupMean, std: groupStd, advantages, signal };
}

interface Rollout {
  readonly id: string;
  readonly completion: Completion;
  readonly text: string;
  readonly graded: Graded;
}

/** One step: sample, grade, advantages, update, log. Results are ordered by index; no decision depends on time. */
export async function grpoStep(context: MethodContext, config: RunConfig, input: StepInput): Promise<StepOutcome> {
  const { engine, emit, now } = context;
  const { step, problems } = input;
  emit({ type: 'step.started', step, epoch: input.epoch, problems: problems.map((p) => p.id) });
  const prompts = problems.map((problem) => context.text.prompt(problem));

  // 1. Sample G completions a problem and grade each as it ends; grading overlaps sampling, nothing waits for its order.
  emit({ type: 'phase.started', step, phase: 'sample' });
  const started = now();
  const total = problems.length * config.group;
  const pending: Promise<Rollout>[] = new Array<Promise<Rollout>>(total);
  let graded = 0;
  let sampling = true;
  await engine.generate(
    prompts.map((prompt, index) => ({
      prompt: prompt.ids,
      samples: config.group,
      adapter: 'student',
      temperature: config.temperature,
      topK: 0, // training samples from the full softmax
      topP: 1,
      seed: config.seed,
      stream: ((step - 1) * config.problemsPerStep + index) * config.group,
      maxTokens: config.maxTokens,
      stopIds: context.text.stopIds,
    })),
    {
      onTokens: (generated) => context.progress('sample', generated, total * config.maxTokens),
      onCompletion: (completion) => {
        const { request, sample } = completion;
        const problem = problems[request]!;
        const id = `${step}/${request}/${sample}`;
        const text = context.text.decode(completion.ids);
        const rollout = context.grade(problem, text).then((result) => {
          emit({
            type: 'rollout.completed',
            step,
            id,
            kind: 'attempt',
            parent: null,
            problem: problem.id,
            sample,
            prompt: prompts[request]!.text,
            text,
            code: result.code,
            tokens: completion.ids.length,
            finish: completion.finish,
            temperature: config.temperature,
            logprob: sum(completion.logprobs),
            entropy: mean(completion.entropy),
          });
          emit({ type: 'verdict.reached', rollout: id, verdict: result.verdict });
          graded++;
          if (!sampling) context.progress('grade', graded, total);
          return { id, completion, text, graded: result };
        });
        rollout.catch(() => undefined); // awaited below; until then a failure must not count as unhandled
        pending[request * config.group + sample] = rollout;
      },
    },
  );
  sampling = false;
  const sampled = now();
  emit({ type: 'phase.started', step, phase: 'grade' });
  context.progress('grade', graded, total);
  const rollouts = await Promise.all(pending); // (P · G), by problem, then sample
  const judged = now();

  // 2. Rewards and group-relative advantages.
  const rewards = rollouts.map((rollout) => rewardOf(rollout.graded.verdict));
  const groups = problems.map((_, index) =>
    groupAdvantages(
      rewards.slice(index * config.group, (index + 1) * config.group),
      config.loss.aggregation !== 'dr_grpo',
    ),
  );

  // 3. One update over the groups that have signal.
  const sequences: TrainSequence[] = [];
  const rowOf = new Map<number, number>(); // rollout index → row of the update
  rollouts.forEach((rollout, index) => {
    const request = Math.floor(index / config.group);
    const group = groups[request]!;
    if (!group.signal || rewards[index] === null) return;
    rowOf.set(index, sequences.length);
    sequences.push({
      group: request,
      prompt: prompts[request]!.ids,
      completion: rollout.completion.ids,
      temperature: config.temperature,
      advantage: group.advantages[index % config.group]!,
      samplerLogprobs: rollout.completion.logprobs,
      masked: config.loss.maskTruncated && rollout.completion.finish === 'length',
    });
  });
  const noSignal = sequences.every((sequence) => sequence.masked);
  let result: TrainResult | null = null;
  if (!noSignal) {
    emit({ type: 'phase.started', step, phase: 'update' });
    context.progress('update', 0, 1);
    result = await engine.trainStep({
      adapter: 'student',
      sequences,
      loss: {
        kind: 'pg',
        aggregation: config.loss.aggregation,
        epsLow: config.loss.epsLow,
        epsHigh: config.loss.epsHigh,
        beta: config.loss.beta,
        correctionCap: config.loss.correctionCap,
        maxTokens: config.maxTokens,
      },
      optimizer: { learningRate: config.learningRate, ...config.optimizer },
      reference: true, // KL is logged also where β = 0
    });
  }
  const updated = now();

  // 4. The ledger of every rollout, then the step's own line.
  rollouts.forEach((rollout, index) => {
    const group = groups[Math.floor(index / config.group)]!;
    const row = rowOf.get(index);
    const columns = row === undefined || noSignal ? undefined : result?.columns[row];
    const n = rollout.completion.ids.length;
    emit({
      type: 'rollout.rewarded',
      rollout: rollout.id,
      reward: rewards[index]!,
      passed: passCount(rollout.graded.verdict),
      asserts: rollout.graded.verdict.asserts.length,
      advantage: group.advantages[index % config.group]!,
      groupMean: group.mean,
      groupStd: group.std,
      inLoss: row !== undefined && !sequences[row]!.masked,
      columns: context.columns({
        ids: Uint32Array.from(rollout.completion.ids),
        ends: context.text.ends(rollout.completion.ids),
        logprobs: rollout.completion.logprobs,
        entropy: rollout.completion.entropy,
        kl: columns?.kl ?? new Float32Array(n),
        ratio: columns?.ratio ?? new Float32Array(n).fill(1),
      }),
    });
  });
  const generated = rollouts.reduce((n, rollout) => n + rollout.completion.ids.length, 0);
  const totals: TokenTotals = {
    prompt: input.totals.prompt + prompts.reduce((n, prompt) => n + prompt.ids.length, 0),
    generated: input.totals.generated + generated,
    trained: input.totals.trained + (result && !result.skipped ? result.tokens : 0),
  };
  const seconds = { sample: sampled - started, grade: judged - sampled, update: updated - judged };
  const paid = rewards.filter((reward) => reward !== null);
  emit({
    type: 'update.applied',
    step,
    loss: finite(result?.loss),
    gradNorm: finite(result?.gradNorm),
    kl: finite(result?.kl),
    entropy: mean(rollouts.flatMap((rollout) => [...rollout.completion.entropy])),
    clipRatio: finite(result?.clipRatio),
    reward: mean(paid),
    passRate: rewards.filter((reward) => reward === 1).length / rewards.length,
    zeroSignal: groups.filter((group) => !group.signal).length,
    groups: groups.length,
    infra: rewards.length - paid.length,
    samplerGap: result?.samplerGap ?? null,
    skipped: result?.skipped ?? false,
    noSignal,
    totals,
    seconds,
    tokensPerSecond: seconds.sample > 0 ? generated / seconds.sample : 0,
    kinds: [],
    rescue: null,
    reflection: null,
    distillation: null,
  });
  return { totals, skipped: result?.skipped ?? false };
}

/** JSON has no NaN: what was not computed, or not finite (a skipped update), is logged as 0 beside its flag. */
function finite(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0;
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
