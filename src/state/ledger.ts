import type { ReflKdConfig, RunConfig, SrrlConfig } from '../schema/config.ts';
import type { GroupView, RolloutView } from './fold.ts';
import { childrenOf, lineageOf, placeOf } from './tree.ts';

/** How one reward came about and what it did, in words and in the numbers the log holds. */
export interface Ledger {
  /** Asserts passed, of a reflection its retries, of so many. */
  readonly passed: number;
  readonly of: number;
  readonly reward: number | null;
  readonly rewardNote: string;
  /** What the reward was held against; null where it was compared with nothing. */
  readonly baseline: Baseline | null;
  readonly advantage: number;
  /** The advantage spelled out with its numbers; null where the formula does not apply. */
  readonly formula: string | null;
  /** What its tokens weigh in the loss, where that is not the advantage. */
  readonly weight: { readonly value: number; readonly formula: string } | null;
  readonly inLoss: boolean;
  /** Why the completion is in the loss, or why it is not. */
  readonly reason: string;
}

export interface Baseline {
  readonly mean: number;
  /** Null where nothing is divided by it. */
  readonly std: number | null;
  /** Completions that counted, and how many of these earned 1. */
  readonly counted: number;
  readonly earned: number;
  /** Which completions these were: one sentence. */
  readonly whose: string;
}

export function ledgerOf(
  rollout: RolloutView,
  group: GroupView | null,
  config: RunConfig | null,
): Ledger | null {
  if (!rollout.reward) return null;
  if (config?.reflkd) return reflKdLedger(rollout, rollout.reward, group, config.reflkd);
  if (config?.method === 'rft') return imitationLedger(rollout, rollout.reward);
  return groupLedger(rollout, rollout.reward, group, config);
}

type Paid = NonNullable<RolloutView['reward']>;

/** GRPO and what shares its advantages: (reward − baseline) / scale, by the run's objective. */
function groupLedger(
  rollout: RolloutView,
  paid: Paid,
  group: GroupView | null,
  config: RunConfig | null,
): Ledger {
  const peers = peersOf(rollout, group, config?.srrl ?? null);
  const { counted, earned, equal } = countRewards(peers);
  const { baseline = 'group-mean', scale = 'group-std' } = config?.objective ?? {};
  const alone = baseline !== 'batch-mean' && baseline !== 'none'; // its peers say it all
  return {
    ...scoreOf(paid, config),
    baseline: {
      mean: paid.groupMean,
      std: scale === 'group-std' ? paid.groupStd : null,
      counted,
      earned,
      whose: whose(rollout, peers, config),
    },
    formula:
      paid.reward === null || (equal && alone && paid.advantage === 0)
        ? null
        : advantageText(paid, counted, baseline, scale),
    weight:
      paid.weight === undefined || paid.weight === 1
        ? null
        : {
            value: paid.weight,
            formula: `λ of second answers: each token counts ${paid.weight} × ${paid.advantage.toFixed(3)}`,
          },
    reason: groupReason(rollout, paid, equal, config),
  };
}

/** The advantage with its numbers; of the step's statistics the log has none, so they are named. */
function advantageText(
  paid: Paid,
  counted: number,
  baseline: RunConfig['objective']['baseline'],
  scale: RunConfig['objective']['scale'],
): string {
  const { penalty = 0 } = paid;
  const sign = penalty < 0 ? '−' : '+';
  const shaped = penalty === 0 ? '' : ` ${sign} ${Math.abs(penalty).toFixed(3)}`;
  const reward = `${paid.reward ?? ''}${shaped}`;
  const mean = paid.groupMean.toFixed(3);
  const difference = {
    'group-mean': `${reward} − ${mean}`,
    'leave-one-out': `${counted} / ${counted - 1} × (${reward} − ${mean})`,
    'batch-mean': `${reward} − mean of the step`,
    none: reward,
  }[baseline];
  const divided = (by: string) => `(${difference}) / ${by}`;
  return {
    'group-std': divided(`(${paid.groupStd.toFixed(3)} + 0.0001)`),
    'batch-std': divided('(std of the step + 0.0001)'),
    'centred-batch-std': divided('(std of the step around the means of its problems + 0.0001)'),
    'group-mean': divided(mean),
    none: difference,
  }[scale];
}

/** The completions whose mean and deviation an advantage is made of. */
function peersOf(
  rollout: RolloutView,
  group: GroupView | null,
  srrl: SrrlConfig | null,
): readonly RolloutView[] {
  const all = (group?.rollouts ?? []).filter((other) => other !== null);
  if (srrl?.advantage !== 'phase') return all;
  return all.filter((other) => roundOf(other, srrl) === roundOf(rollout, srrl));
}

/**
 * Second answers by the attempt they followed: its id where they refine it, their number where they
 * are fresh; null of first ones.
 */
function roundOf(
  { completion: { parent }, sample }: RolloutView,
  { first, refinements }: SrrlConfig,
): string | number | null {
  return parent ?? (sample < first ? null : Math.floor((sample - first) / refinements));
}

function whose(
  rollout: RolloutView,
  peers: readonly RolloutView[],
  config: RunConfig | null,
): string {
  const { parent } = rollout.completion;
  if (config?.srrl?.advantage === 'phase') {
    if (parent !== null)
      return `By phase: compared with the ${peers.length} refinements of attempt ${placeOf(parent)} alone.`;
    return rollout.sample < config.srrl.first
      ? 'By phase: compared with the first attempts at this problem alone, not with second answers.'
      : `By phase: compared with the ${peers.length} fresh answers that were made for one failed attempt.`;
  }
  const refined = peers.some(({ completion }) => completion.kind === 'refinement');
  return refined
    ? `Pooled: compared with all ${peers.length} completions of this problem, first attempts and refinements together.`
    : `Compared with all ${peers.length} completions of this problem.`;
}

function groupReason(
  rollout: RolloutView,
  paid: Paid,
  equal: boolean,
  config: RunConfig | null,
): string {
  const { tokens, finish } = rollout.completion;
  if (paid.inLoss) return `All ${tokens} tokens of this completion carried loss.`;
  if (paid.reward === null) return SANDBOX_FAILED;
  if (equal)
    return 'Left out: everything it was compared with earned the same, so none is better than another.';
  if (finish === 'length' && config?.loss.maskTruncated)
    return `Left out: cut off at the limit of ${tokens} tokens. It still counts in the mean.`;
  if (paid.weight === 0)
    return 'Left out: refinements weigh λ = 0 in this run. It still counts in the mean.';
  return 'Left out of the loss.';
}

/** Rejection fine-tuning: what passes is imitated, and no advantage enters. */
function imitationLedger(rollout: RolloutView, paid: Paid): Ledger {
  const { tokens, finish } = rollout.completion;
  const left =
    paid.reward === null
      ? SANDBOX_FAILED
      : finish === 'length'
        ? `Left out: cut off at the limit of ${tokens} tokens.`
        : 'Left out: it did not pass, and only what passes is imitated.';
  return {
    ...scoreOf(paid, null),
    baseline: null,
    formula: paid.inLoss ? 'compared with nothing' : null,
    weight: null,
    reason: paid.inLoss
      ? `It passed, so all its ${tokens} tokens are made likelier, each alike.`
      : left,
  };
}

/**
 * Refl-KD: only reflections are weighed; attempts set the mark, retries tell what a reflection was
 * worth.
 */
function reflKdLedger(
  rollout: RolloutView,
  paid: Paid,
  group: GroupView | null,
  config: ReflKdConfig,
): Ledger {
  const { kind } = rollout.completion;
  if (kind === 'reflection') return reflectionLedger(rollout, paid, group, config);
  const taught = rollout.target;
  const about =
    kind === 'retry'
      ? 'Not trained on for its reward: it counts in the pass rate of reflection ' +
        `${placeOf(rollout.completion.parent ?? rollout.id)}.`
      : 'Not trained on: attempts without a reflection are the baseline for reflections; ' +
        `${paid.groupMean.toFixed(3)} of them passed.`;
  return {
    ...scoreOf(paid, null),
    baseline: null,
    formula: null,
    weight: null,
    inLoss: paid.inLoss || taught !== null,
    reason: taught
      ? `It passed, so the student was taught it without the reflection: ${taught.tokens} ` +
        `tokens, ${taught.loss.toFixed(3)} nats of divergence a token before the update.`
      : paid.reward === null
        ? SANDBOX_FAILED
        : about,
  };
}

function reflectionLedger(
  rollout: RolloutView,
  paid: Paid,
  group: GroupView | null,
  config: ReflKdConfig,
): Ledger {
  const baselines = (group?.rollouts ?? [])
    .filter((other) => other !== null)
    .filter(({ completion, sample }) => completion.kind === 'attempt' && sample < config.baselines);
  const { counted, earned } = countRewards(baselines);
  const weight = paid.weight ?? 0;
  const tried = lineageOf(rollout, group)[0]?.id ?? rollout.id;
  return {
    passed: paid.passed,
    of: paid.asserts,
    reward: paid.reward,
    rewardNote: `R̄: ${childrenOf(rollout, group).length} retries were given this reflection`,
    baseline: {
      mean: paid.groupMean,
      std: null,
      counted,
      earned,
      whose: 'R̄₀: attempts at this problem without any reflection.',
    },
    advantage: paid.advantage,
    formula:
      paid.reward === null ? null : `${paid.reward.toFixed(3)} − ${paid.groupMean.toFixed(3)}`,
    weight: { value: weight, formula: gateText(paid.advantage, config) },
    inLoss: paid.inLoss,
    reason: reflectionReason(rollout, paid, weight, tried),
  };
}

/** w = A above δ, −λ⁻|A| below −δ, else 0. */
function gateText(advantage: number, { threshold, negativeWeight }: ReflKdConfig): string {
  if (advantage > threshold) return `w = A, as A > δ = ${threshold}`;
  if (advantage < -threshold)
    return `w = −λ⁻|A| = −${negativeWeight} × ${Math.abs(advantage).toFixed(3)}, as A < −δ`;
  return `w = 0, as A is within ±δ = ${threshold}`;
}

function reflectionReason(rollout: RolloutView, paid: Paid, weight: number, tried: string): string {
  const { tokens, finish } = rollout.completion;
  const words = `this reflection on attempt ${placeOf(tried)}`;
  if (paid.inLoss && weight === 0) {
    return (
      `Retries passed about as often as attempts without ${words}: its tokens are neither ` +
      'rewarded nor punished, β alone pulls them to the base model.'
    );
  }
  if (paid.inLoss) {
    return weight > 0
      ? `Retries got better with ${words}: its ${tokens} tokens are made likelier.`
      : `Retries got worse with ${words}: its ${tokens} tokens are made less likely, down to a floor.`;
  }
  if (paid.reward === null)
    return 'Left out: the sandbox failed on every retry, so nobody knows what it is worth.';
  if (weight === 0) return `Left out: retries passed as often as attempts without ${words}.`;
  if (finish === 'length') return `Left out: cut off at the limit of ${tokens} tokens.`;
  return 'Left out of the loss.';
}

const SANDBOX_FAILED =
  'Left out: the sandbox failed here, not the program, so there is no reward to learn from.';

function scoreOf(
  paid: Paid,
  config: RunConfig | null,
): Pick<Ledger, 'passed' | 'of' | 'reward' | 'rewardNote' | 'advantage' | 'inLoss'> {
  const coin = config?.method === 'random-reward' && paid.reward !== null;
  return {
    passed: paid.passed,
    of: paid.asserts,
    reward: paid.reward,
    rewardNote: coin
      ? 'a coin decided, not the asserts'
      : paid.reward === null
        ? 'the sandbox failed'
        : paid.reward === 1
          ? 'every assert passed'
          : 'all must pass for 1',
    advantage: paid.advantage,
    inLoss: paid.inLoss,
  };
}

function countRewards(rollouts: readonly RolloutView[]): {
  counted: number;
  earned: number;
  equal: boolean;
} {
  const rewards = rollouts.flatMap(({ reward }) =>
    reward && reward.reward !== null ? [reward.reward] : [],
  );
  const earned = rewards.filter((reward) => reward === 1).length;
  return {
    counted: rewards.length,
    earned,
    equal: rewards.length > 0 && (earned === 0 || earned === rewards.length),
  };
}
