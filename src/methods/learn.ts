import { mean } from '../lib/stats.ts';
import { advantagesOf, overlongPenalty, type Reward } from './advantage.ts';
import { tellingProblems } from './dynamic.ts';
import type { StepOutcome } from './method.ts';
import { klPenalties } from './objective.ts';
import { policyUpdate } from './policy-update.ts';
import type { Rollout, Step, StepFigures } from './step.ts';

export interface Lesson {
  /** Completions that are compared with each other. */
  readonly groups: readonly (readonly Rollout[])[];
  /** First attempts: what the step's reward and pass rate are of. */
  readonly first: readonly Rollout[];
  /** What a completion is paid; its own reward where left out. */
  readonly paid?: (rollout: Rollout) => Reward;
  /** Weight of a completion's loss; 1 where undefined. */
  readonly weight?: (rollout: Rollout) => number | undefined;
  /**
   * `nll`: the likelihood of completions that passed, in place of the policy gradient and of its
   * objective.
   */
  readonly loss?: 'pg' | 'nll';
  readonly rescue?: StepFigures['rescue'];
}

/** What a group of completions is worth; values by its members' order. */
interface Worth {
  readonly mean: number;
  readonly std: number;
  readonly advantages: readonly (number | readonly number[])[];
  readonly signal: boolean;
}

/**
 * The second half of a step that trains the student on what it sampled: advantages of all groups by
 * the run's objective, the update, a ledger line a completion, the step's line.
 */
export async function learn(step: Step, lesson: Lesson): Promise<StepOutcome> {
  const { first, loss = 'pg' } = lesson;
  const paid = lesson.paid ?? ((rollout: Rollout) => rollout.reward);
  const weight = (rollout: Rollout) => {
    const value = lesson.weight?.(rollout);
    return value === undefined ? {} : { weight: value };
  };
  const penalties = loss === 'pg' ? await penaltiesOf(step) : new Map<Rollout, Penalty>();
  const worth =
    loss === 'pg'
      ? worthByObjective(step, lesson.groups, paid, penalties)
      : lesson.groups.map((members) => imitated(members.map(paid)));
  const groups = lesson.groups.map((members, i) => ({ members, ...worth[i]! }));
  const rows = groups.flatMap(({ signal, members, advantages }) =>
    members.flatMap((rollout, i) =>
      signal && paid(rollout) !== null && (loss === 'pg' || advantages[i] !== 0)
        ? [{ rollout, advantage: advantages[i]!, ...weight(rollout) }]
        : [],
    ),
  );
  const update = await policyUpdate(step, rows, loss);

  const placed = new Map(
    groups.flatMap((group) => group.members.map((rollout, i) => [rollout, { group, i }] as const)),
  );
  for (const rollout of step.rollouts) {
    const { group, i } = placed.get(rollout)!;
    const advantage = group.advantages[i]!;
    const penalty = penalties.get(rollout)?.total ?? 0;
    step.ledger(rollout, {
      reward: paid(rollout),
      ...(penalty !== 0 && paid(rollout) !== null && { penalty }),
      advantage: typeof advantage === 'number' ? advantage : mean(advantage),
      ...weight(rollout),
      groupMean: group.mean,
      groupStd: group.std,
      inLoss: update.inLoss(rollout),
      columns: update.columns(rollout),
    });
  }
  return step.finish({
    ...update.figures,
    zeroSignal: groups.filter((group) => !group.signal).length,
    groups: groups.length,
    firsts: first.map((rollout) => ({ reward: paid(rollout), passed: rollout.reward === 1 })),
    ...(lesson.rescue === undefined ? {} : { rescue: lesson.rescue }),
  });
}

/** What is taken off a completion's reward. */
interface Penalty {
  /** Over the whole completion; not above 0 but for k1. */
  readonly total: number;
  /** β KL of each token, where tokens are held to what comes after them alone. */
  readonly toGo: readonly number[] | null;
}

/** Penalties of soft overlong and of KL in the reward. */
async function penaltiesOf(step: Step): Promise<Map<Rollout, Penalty>> {
  const { objective, maxTokens } = step.config;
  const { overlongBuffer, klPlace } = objective;
  const kl = await klPenalties(step, step.rollouts);
  return new Map(
    step.rollouts.map((rollout) => {
      const tokens = rollout.completion.ids.length;
      const long = overlongBuffer === null ? 0 : overlongPenalty(tokens, maxTokens, overlongBuffer);
      const own = kl?.get(rollout) ?? null;
      const total = long - (own ?? []).reduce((sum, k) => sum + k, 0);
      return [rollout, { total, toGo: klPlace === 'return' ? own : null }];
    }),
  );
}

/**
 * Advantages by the objective's baseline and scale. Under dynamic sampling, problems whose completions
 * all passed or all failed were replaced: they are worth nothing, and are in no statistic.
 */
function worthByObjective(
  step: Step,
  groups: Lesson['groups'],
  paid: (rollout: Rollout) => Reward,
  penalties: ReadonlyMap<Rollout, Penalty>,
): Worth[] {
  const { objective } = step.config;
  const telling = objective.dynamicSampling === null ? null : tellingProblems(step.rollouts);
  const rewards = groups.map((members) =>
    members.map((rollout) => {
      const reward = paid(rollout);
      const counted = telling === null || telling.has(rollout.problem);
      return reward === null || !counted ? null : reward + (penalties.get(rollout)?.total ?? 0);
    }),
  );
  return advantagesOf(rewards, objective).map((worth, g) => {
    const members = groups[g]!;
    return {
      ...worth,
      advantages: worth.advantages.map((advantage, i) => {
        const toGo = penalties.get(members[i]!)?.toGo ?? null;
        if (toGo === null || rewards[g]![i] === null) return advantage;
        // A token answers for what comes after it: the KL before it is given back.
        let before = 0;
        return toGo.map((k) => {
          const own = advantage + before * worth.factor;
          before += k;
          return own;
        });
      }),
    };
  });
}

/** Rejection fine-tuning: what passed counts alike, and nothing is divided by a deviation. */
function imitated(rewards: readonly Reward[]): Worth {
  return {
    advantages: rewards.map((reward) => (reward === 1 ? 1 : 0)),
    mean: mean(rewards.flatMap((reward) => reward ?? [])),
    std: 0,
    signal: rewards.includes(1),
  };
}

/** The completions of each problem of the step. */
export function byProblem(step: Step, rollouts: readonly Rollout[]): Rollout[][] {
  return step.problems.map((_, index) => rollouts.filter(({ problem }) => problem === index));
}
