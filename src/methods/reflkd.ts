import type { Attempt } from '../data/feedback.ts';
import { mean } from '../lib/stats.ts';
import type { AdapterTensors, Engine, TrainResult } from '../model/engine.ts';
import type { ReflKdConfig, RunConfig } from '../schema/config.ts';
import { distil, type Target } from './distil.ts';
import { firstAttempts } from './grpo.ts';
import type { MethodContext, StepInput, StepOutcome } from './method.ts';
import { finite, Step, type Rollout, type StepFigures } from './step.ts';

/*
 * Refl-KD: RL on reflections, then distillation into the model without reflection. Two adapters on
 * one frozen base, never merged: `student`, the policy that is evaluated, and `reflector`.
 *
 * 1. Baselines: the student answers every problem n_b times. R̄_0 is their pass rate; y0 the
 *    first that fails.
 * 2. Reflections: the reflector says K times what is wrong with y0. Retries: the student answers
 *    m times with each.
 * 3. The reflector's update: A_k = R̄_k − R̄_0, gated (δ, λ⁻) to w_k, REINFORCE on the
 *    reflection's tokens with k3 to the base.
 * 4. Distillation: where the best reflection helped and a retry with it passed everything, the
 *    student without reflection follows, on that retry's tokens, the distribution of the student
 *    that had read it (distil.ts).
 *
 * What is evaluated is the student alone. What docs/methods.md leaves open:
 * - A problem whose baselines all pass, or of which none was judged a failure, is skipped, and
 *   counts as without signal.
 * - A reflection none of whose retries could be judged is left out of the update and is no source
 *   of a target.
 * - A prompt that leaves no room for its answer within the model's context is left out, with a
 *   warning.
 * - A step in which no reflection weighs anything leaves the reflector alone, β_R's pull to the
 *   base included.
 * - Truncated reflections and fresh targets carry no loss (`maskTruncated`); a truncated retry is
 *   never a target, for its end would be lost.
 * - A_k is biased upwards by the choice of y0, since R̄_0 holds a failure by choice; what is
 *   logged as `paired` is not.
 */
export async function reflkdStep(
  context: MethodContext,
  config: RunConfig,
  input: StepInput,
): Promise<StepOutcome> {
  const { reflkd } = config;
  if (!reflkd)
    throw new Error('A run of reflkd needs the settings under `reflkd` in its configuration.');
  const { baselines, reflections, retries } = reflkd;
  const step = new Step(context, config, input, baselines + reflections * (1 + retries) + 1);

  const tried = (await firstAttempts(step, baselines)).map(attemptOf(step));
  const cases = step.problems.flatMap((_, index) => {
    const own = tried.filter(({ rollout }) => rollout.problem === index);
    const failed = own.find(({ rollout }) => rollout.reward === 0);
    if (!failed) return [];
    const rollouts = own.map(({ rollout }) => rollout);
    const later = rateOf(rollouts.slice(rollouts.indexOf(failed.rollout) + 1));
    return [{ ...failed, baseline: rateOf(rollouts) ?? 0, later }];
  });

  const reflected = await step.complete(
    step.fitting(
      cases.map(({ attempt, rollout }) => ({
        problem: rollout.problem,
        prompt: context.text.reflection(attempt),
        samples: reflections,
        parent: rollout,
      })),
      reflkd.reflectionTokens,
    ),
    {
      phase: 'reflect',
      kind: 'reflection',
      adapter: 'reflector',
      temperature: config.temperature,
      maxTokens: reflkd.reflectionTokens,
    },
  );
  const about = new Map(cases.map((each) => [each.rollout, each]));
  const retried = await step.complete(
    step.fitting(
      reflected.map((reflection) => ({
        problem: reflection.problem,
        prompt: context.text.retry(about.get(reflection.parent!)!.attempt, reflection.text),
        samples: retries,
        parent: reflection,
      })),
      config.maxTokens,
    ),
    {
      phase: 'retry',
      kind: 'retry',
      adapter: 'student',
      temperature: config.temperature,
      maxTokens: config.maxTokens,
    },
  );
  const judged = reflected.map((reflection): Judged => {
    const own = retried.filter((retry) => retry.parent === reflection);
    const { baseline, later } = about.get(reflection.parent!)!;
    const rate = rateOf(own);
    const advantage = rate === null ? 0 : rate - baseline;
    return {
      reflection,
      retries: own,
      baseline,
      later,
      rate,
      advantage,
      weight: gatedWeight(advantage, reflkd),
    };
  });

  const weighed = judged.filter(({ rate }) => rate !== null);
  const reflector = await updateReflector(step, reflkd, weighed);
  const targets = await targetsOf(step, reflkd, judged);
  const student = await distil(step, reflkd.kd, targets);
  if (reflkd.kd.teacher === 'ema') await follow(context.engine, config, reflkd.kd.emaDecay);

  for (const rollout of step.rollouts) {
    const entry = judged.find(({ reflection }) => reflection === rollout);
    const weight = student.weights.get(rollout);
    if (entry) {
      const row = weighed.indexOf(entry);
      step.ledger(rollout, {
        reward: entry.rate,
        counts: {
          passed: entry.retries.filter(({ reward }) => reward === 1).length,
          of: judgedOnly(entry.retries).length,
        },
        advantage: entry.advantage,
        weight: entry.weight,
        groupMean: entry.baseline,
        groupStd: 0, // nothing is divided by it
        inLoss: reflector !== null && row >= 0 && !isMasked(config, rollout),
        columns: reflector?.columns[row],
      });
    } else {
      step.ledger(rollout, {
        reward: rollout.reward,
        advantage: 0,
        ...(weight === undefined ? {} : { weight }),
        groupMean:
          rateOf(
            tried.map((each) => each.rollout).filter(({ problem }) => problem === rollout.problem),
          ) ?? 0,
        groupStd: 0,
        inLoss: weight !== undefined,
        columns: student.columns.get(rollout),
      });
    }
  }
  const learnt = new Set([
    ...(reflector
      ? judged.filter(({ weight }) => weight !== 0).map(({ reflection }) => reflection.problem)
      : []),
    ...targets.map(({ retry }) => retry.problem),
  ]);
  const first = tried.map(({ rollout }) => rollout);
  return step.finish({
    loss: student.result?.loss ?? 0,
    gradNorm: student.result?.gradNorm ?? 0,
    kl: student.result?.kl ?? 0,
    clipRatio: 0,
    samplerGap: reflector?.samplerGap ?? null,
    skipped: (reflector?.skipped ?? false) || (student.result?.skipped ?? false),
    noSignal: reflector === null && student.result === null,
    zeroSignal: step.problems.length - learnt.size,
    groups: step.problems.length,
    firsts: first.map(({ reward }) => ({ reward, passed: reward === 1 })),
    trained: {
      ...(reflector
        ? {
            reflection: {
              tokens: reflector.skipped ? 0 : reflector.tokens,
              gradNorm: reflector.gradNorm,
            },
          }
        : {}),
      ...(student.result
        ? {
            [reflkd.kd.target === 'retry' ? 'retry' : 'attempt']: {
              tokens: student.result.skipped ? 0 : student.result.tokens,
              gradNorm: student.result.gradNorm,
            },
          }
        : {}),
    },
    reflection: reflectionFigures(judged, reflector),
    distillation: {
      targets: targets.length,
      tokens: student.result?.tokens ?? 0,
      loss: finite(student.result?.loss ?? 0),
    },
  });
}

interface Judged {
  readonly reflection: Rollout;
  readonly retries: readonly Rollout[];
  /** R̄_0. */
  readonly baseline: number;
  /**
   * Pass rate of the baselines after the failed one, which nobody chose for failing; null: there
   * are none.
   */
  readonly later: number | null;
  /** R̄_k; null: no retry could be judged. */
  readonly rate: number | null;
  readonly advantage: number;
  readonly weight: number;
}

/** w = A if A > δ; −λ⁻|A| if A < −δ; else 0. */
export function gatedWeight(
  advantage: number,
  { threshold, negativeWeight }: ReflKdConfig,
): number {
  if (advantage > threshold) return advantage;
  return advantage < -threshold ? negativeWeight * advantage : 0;
}

/** REINFORCE on the reflections, −Σ w ℓ / Σ |z| + β_R k3; null: none of them weighs anything. */
async function updateReflector(
  step: Step,
  { beta, floor }: ReflKdConfig,
  judged: readonly Judged[],
): Promise<TrainResult | null> {
  const { config, context } = step;
  const masked = judged.map(({ reflection }) => isMasked(config, reflection));
  if (judged.every(({ weight }, i) => weight === 0 || masked[i])) return null;
  const parents = [...new Set(judged.map(({ reflection }) => reflection.parent))];
  return await step.update('update-reflector', () =>
    context.engine.trainStep({
      adapter: 'reflector',
      sequences: judged.map(({ reflection, weight }, i) => ({
        group: parents.indexOf(reflection.parent),
        prompt: reflection.prompt.ids,
        completion: reflection.completion.ids,
        temperature: reflection.temperature,
        samplerLogprobs: reflection.completion.logprobs,
        weight,
        masked: masked[i]!,
      })),
      loss: { kind: 'nll', aggregation: 'dapo', beta, floor },
      optimizer: { learningRate: step.learningRate, ...config.optimizer },
      reference: true,
    }),
  );
}

/**
 * One target a problem: the first whole retry that passed with the best reflection, where that one
 * helped.
 */
async function targetsOf(
  step: Step,
  { threshold, kd }: ReflKdConfig,
  judged: readonly Judged[],
): Promise<Target[]> {
  const found = step.problems.flatMap((_, index) => {
    const own = judged.filter(({ reflection }) => reflection.problem === index);
    const best = own.reduce<Judged | null>(
      (a, b) => (a === null || b.advantage > a.advantage ? b : a),
      null,
    );
    if (best === null || best.advantage <= threshold) return [];
    const retry = best.retries.find(
      ({ reward, completion }) => reward === 1 && completion.finish !== 'length',
    );
    return retry ? [{ retry, reflection: best.reflection }] : [];
  });
  const plain = found.map(({ retry }) => step.context.text.prompt(step.problems[retry.problem]!));
  if (kd.target === 'retry') {
    return found.map((each, i) => ({ ...each, prompt: plain[i]!, completion: each.retry }));
  }
  const fresh = await step.complete(
    found.map(({ retry }, i) => ({ problem: retry.problem, prompt: plain[i]!, samples: 1 })),
    {
      phase: 'sample',
      kind: 'attempt',
      adapter: 'student',
      temperature: step.config.temperature,
      maxTokens: step.config.maxTokens,
    },
  );
  return found
    .map((each, i) => ({ ...each, prompt: plain[i]!, completion: fresh[i]! }))
    .filter(({ completion }) => !isMasked(step.config, completion));
}

/** θ_T ← d θ_T + (1 − d) θ: the teacher follows the student. */
async function follow(engine: Engine, config: RunConfig, decay: number): Promise<void> {
  const [teacher, student] = await Promise.all([
    engine.exportAdapter('teacher'),
    engine.exportAdapter('student'),
  ]);
  const mixed: AdapterTensors = new Map(
    [...teacher].map(([name, { shape, data }]) => {
      const now = student.get(name)!.data;
      return [name, { shape, data: data.map((value, i) => decay * value + (1 - decay) * now[i]!) }];
    }),
  );
  engine.loadAdapter('teacher', config.lora, mixed);
}

function attemptOf({ problems }: Step) {
  return (rollout: Rollout): { rollout: Rollout; attempt: Attempt } => ({
    rollout,
    attempt: {
      problem: problems[rollout.problem]!,
      code: rollout.graded!.code ?? rollout.text,
      verdict: rollout.graded!.verdict,
    },
  });
}

const judgedOnly = (rollouts: readonly Rollout[]) =>
  rollouts.filter(({ reward }) => reward !== null);

/** Pass rate of those that could be judged; null of none. */
function rateOf(rollouts: readonly Rollout[]): number | null {
  const rewards = judgedOnly(rollouts).map(({ reward }) => reward!);
  return rewards.length > 0 ? mean(rewards) : null;
}

function isMasked({ loss }: RunConfig, { completion }: Rollout): boolean {
  return loss.maskTruncated && completion.finish === 'length';
}

function pairedRates(rated: readonly Judged[]): NonNullable<StepFigures['reflection']>['paired'] {
  const problems = [
    ...new Set(
      rated.filter(({ later }) => later !== null).map(({ reflection }) => reflection.problem),
    ),
  ];
  if (problems.length === 0) return null;
  const of = problems.map((problem) =>
    rated.filter(({ reflection }) => reflection.problem === problem),
  );
  return {
    problems: problems.length,
    baseline: mean(of.map(([first]) => first!.later!)),
    retries: mean(of.map((own) => mean(own.map(({ rate }) => rate!)))),
  };
}

function reflectionFigures(
  judged: readonly Judged[],
  reflector: TrainResult | null,
): NonNullable<StepFigures['reflection']> {
  const rated = judged.filter(({ rate }) => rate !== null);
  return {
    problems: new Set(judged.map(({ reflection }) => reflection.problem)).size,
    weighed: judged.filter(({ weight }) => weight !== 0).length,
    baseline: mean(rated.map(({ baseline }) => baseline)),
    retries: mean(rated.map(({ rate }) => rate!)),
    paired: pairedRates(rated),
    loss: finite(reflector?.loss ?? 0),
    gradNorm: finite(reflector?.gradNorm ?? 0),
    kl: finite(reflector?.kl ?? 0),
    skipped: reflector?.skipped ?? false,
  };
}
