import type { Colouring } from '../../state/route.ts';

/** The tint of one token: which of the two hues, and how much of it (0 to 1). */
export interface Tint {
  readonly hue: 'warm' | 'cool';
  readonly strength: number;
}

export interface Scale {
  readonly name: string;
  /** One sentence for the legend. */
  readonly about: string;
  /** Ends and middle as the legend writes them. */
  readonly ends: readonly [low: string, high: string];
  readonly diverging: boolean;
  readonly tint: (value: number) => Tint;
}

const NATS_SURE = 4;
const NATS_SPREAD = 2.5;
const KL_FULL = 0.2;
const ADVANTAGE_FULL = 1.5;
const LOG_RATIO_FULL = 0.25;
const DISTILLED_FULL = 1;

/**
 * How each quantity becomes a colour; every scale is fixed, so that two rollouts can be compared by
 * eye.
 */
export const SCALES: Record<Colouring, Scale> = {
  logprob: {
    name: 'Log-prob',
    about: 'The darker, the less likely the model thought the token when it sampled it.',
    ends: ['certain, 0', `≤ −${NATS_SURE} nats`],
    diverging: false,
    tint: (value) => ({ hue: 'warm', strength: share(-value / NATS_SURE) }),
  },
  advantage: {
    name: 'Advantage',
    about:
      'Every token of a completion has the same (of a reflection: its gated weight); tokens out of the loss have none.',
    ends: [`≤ −${ADVANTAGE_FULL}`, `≥ +${ADVANTAGE_FULL}`],
    diverging: true,
    tint: (value) => signed(value / ADVANTAGE_FULL),
  },
  entropy: {
    name: 'Entropy',
    about: 'The darker, the more open the choice was at this place.',
    ends: ['0', `≥ ${NATS_SPREAD} nats`],
    diverging: false,
    tint: (value) => ({ hue: 'cool', strength: share(value / NATS_SPREAD) }),
  },
  kl: {
    name: 'KL',
    about:
      'The darker, the further the policy is from the model without adapter here (k3 estimate).',
    ends: ['0', `≥ ${KL_FULL} nats`],
    diverging: false,
    tint: (value) => ({ hue: 'warm', strength: share(value / KL_FULL) }),
  },
  ratio: {
    name: 'Ratio',
    about:
      'Trainer’s against sampler’s policy: 1 everywhere when each batch is used for one update.',
    ends: ['≤ 0.78', '≥ 1.28'],
    diverging: true,
    tint: (value) => signed(Math.log(Math.max(value, 1e-6)) / LOG_RATIO_FULL),
  },
};

/** How far teacher and student are apart at a token of a distilled target. */
export const DISTILLED: Scale = {
  name: 'KL',
  about:
    'The darker, the further the student was from the teacher, who saw the reflection, at this token (τ² KL).',
  ends: ['0', `≥ ${DISTILLED_FULL} nats`],
  diverging: false,
  tint: (value) => ({ hue: 'cool', strength: share(value / DISTILLED_FULL) }),
};

function signed(value: number): Tint {
  return { hue: value < 0 ? 'warm' : 'cool', strength: share(Math.abs(value)) };
}

function share(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}
