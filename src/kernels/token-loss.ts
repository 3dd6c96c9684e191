import wgsl from '../../shaders/token_loss.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import { Layout } from './layout.ts';
import { LIB } from './libraries.ts';
import { floats, normals, words } from './reference-helpers.ts';
import { divisible } from './sample.ts';
import {
  ESTIMATORS,
  lossOf,
  MOST_LOG_RATIO,
  SURROGATES,
  type LossParams,
  type LossToken,
} from './token-loss-terms.ts';

/** A token's words in the `tokens` buffer; see shaders/lib/tokens.wgsl. */
export const TOKEN = new Layout({
  id: 'u32',
  tau: 'f32',
  advantage: 'f32',
  old: 'f32',
  sampler: 'f32',
  reference: 'f32',
  weight: 'f32',
  klWeight: 'f32',
  entropyWeight: 'f32',
  ratio: 'f32',
  flags: 'u32',
});
const FLAGS = { old: 1, sampler: 2, reference: 4, ratio: 8 } as const;

/** Of `clip`: no cap of the ratio where the advantage is negative. */
export const NO_LIMIT = 3.4e38;

/** A token's words in `results`. */
export const RESULT = new Layout({
  logprob: 'f32',
  entropy: 'f32',
  loss: 'f32',
  ratio: 'f32',
  divergence: 'f32',
  clipped: 'f32',
});

/** Parameters of switches that are off. */
export const CLIP_ALONE = {
  surrogate: SURROGATES.clip,
  limit: NO_LIMIT,
  cap_masks: 0,
  estimator: ESTIMATORS.k3,
} as const;

/** Floor of a likelihood term that has none. */
export const NO_FLOOR = -3.4e38;

type Params = 'count' | 'vocab' | 'first' | 'gradient' | keyof LossParams;

export const tokenLoss: Kernel<Params> = {
  name: 'token_loss',
  wgsl,
  lib: [LIB.reduce, LIB.tokens],
  constants: { LANES: 64 },
  grid: (p) => flatGrid(p.count),
  cost: (p) => 40 * p.count * p.vocab,

  reference(io, p) {
    const [logits, tokens, results] = [
      floats(io, 'logits'),
      words(io, 'tokens'),
      floats(io, 'results'),
    ];
    for (let i = 0; i < p.count; i++) {
      const entry = p.first + i;
      const token = tokenAt(tokens, entry);
      const at = i * p.vocab;
      const logprobs = logSoftmax(logits.subarray(at, at + p.vocab), token.tau);
      const logprob = logprobs[token.id]!;
      const entropy = -logprobs.reduce((sum, l) => sum + Math.exp(l) * l, 0);
      const { loss, slope, ratio, divergence, clipped } = lossOf(logprob, token, p, logprob);
      setResult(results, entry, {
        logprob,
        entropy,
        loss: loss - token.entropyWeight * entropy,
        ratio,
        divergence,
        clipped: clipped ? 1 : 0,
      });
      if (p.gradient === 0) continue;
      for (let j = 0; j < p.vocab; j++)
        logits[at + j] =
          (slope * ((j === token.id ? 1 : 0) - Math.exp(logprobs[j]!)) +
            token.entropyWeight * Math.exp(logprobs[j]!) * (logprobs[j]! + entropy)) /
          token.tau;
    }
  },

  cases: () => [
    lossCase('a vocabulary of one', { vocab: 1 }),
    lossCase('policy gradient, odd vocabulary', { vocab: 33 }),
    lossCase('policy gradient beyond a workgroup, a later chunk', {
      vocab: 150,
      first: 5,
      count: 9,
    }),
    lossCase('asymmetric clipping, small workgroup', {
      vocab: 9,
      eps: [0.1, 0.4],
      cap: 1.2,
      lanes: 4,
    }),
    lossCase('log-likelihood', { vocab: 70, nll: true }),
    lossCase('figures only: the logits stay', { vocab: 33, gradient: false }),
    lossCase('log-likelihood, figures only, a later chunk', {
      vocab: 5,
      nll: true,
      gradient: false,
      first: 3,
      count: 2,
    }),
    lossCase('log-likelihood of unwanted tokens down to a floor', {
      vocab: 33,
      nll: true,
      floor: -4,
    }),
    lossCase('a floor does not concern the policy gradient', { vocab: 33, floor: -4 }),
    ...OBJECTIVE_CASES.map(([title, shape]) => lossCase(title, { vocab: 33, ...shape })),
    manyTokens(),
  ],

  gradients: [
    {
      gradient: 'logits',
      wrt: 'logits',
      applies: (p) => p['gradient'] !== 0,
      loss(logits, io, params) {
        const p = params as Record<Params, number>;
        const at = floats(io, 'logits');
        let loss = 0;
        for (let i = 0; i < p.count; i++) {
          const token = tokenAt(words(io, 'tokens'), p.first + i);
          const logprobsOf = (z: Float64Array) =>
            logSoftmax(z.subarray(i * p.vocab, (i + 1) * p.vocab), token.tau);
          const [now, then] = [logprobsOf(logits), logprobsOf(at)[token.id]!];
          const entropy = -now.reduce((sum, l) => sum + Math.exp(l) * l, 0);
          // Where no old log-prob is given it is sg(ℓ): the value at the unperturbed point.
          loss += lossOf(now[token.id]!, { ...token, old: token.old ?? then }, p, then).loss;
          loss -= token.entropyWeight * entropy;
        }
        return loss;
      },
    },
  ],
};

/** A token on which nothing hangs: what callers change of it is what they are about. */
export const PLAIN_TOKEN: LossToken = {
  id: 0,
  tau: 1,
  advantage: 0,
  old: null,
  sampler: null,
  reference: null,
  weight: 1,
  klWeight: 0,
  entropyWeight: 0,
  ratio: null,
};

/** The `tokens` buffer of these tokens. */
export function packTokens(tokens: readonly LossToken[]): Uint32Array<ArrayBuffer> {
  return TOKEN.pack(
    tokens.map((t) => ({
      ...t,
      tau: divisible(t.tau),
      // absent ones are not looked at
      old: t.old ?? 0,
      sampler: t.sampler ?? 0,
      reference: t.reference ?? 0,
      ratio: t.ratio ?? 0,
      flags:
        (t.old === null ? 0 : FLAGS.old) |
        (t.sampler === null ? 0 : FLAGS.sampler) |
        (t.reference === null ? 0 : FLAGS.reference) |
        (t.ratio === null ? 0 : FLAGS.ratio),
    })),
  );
}

/** Reads a token back. */
export function tokenAt(tokens: Uint32Array, entry: number): LossToken {
  const { flags, ...token } = TOKEN.read(tokens, entry);
  const given = (name: keyof typeof FLAGS) => (flags & FLAGS[name] ? token[name] : null);
  return {
    ...token,
    old: given('old'),
    sampler: given('sampler'),
    reference: given('reference'),
    ratio: given('ratio'),
  };
}

/** What the loss kernels leave of a token; `clipped` is 1 where the ratio was, `divergence` is k3. */
export type TokenResult = ReturnType<typeof RESULT.read>;

export function resultAt(results: Float32Array | Float64Array, entry: number): TokenResult {
  return RESULT.read(results, entry);
}

/** For references: some fields of a token's result. */
export function setResult(
  results: Float64Array,
  entry: number,
  values: Partial<TokenResult>,
): void {
  const all = { ...RESULT.read(results, entry), ...values };
  results.set(
    RESULT.names.map((name) => all[name as keyof TokenResult]),
    entry * RESULT.words,
  );
}

/** log softmax(z/τ), shifted by the maximum. */
export function logSoftmax(logits: Float64Array, tau: number): Float64Array {
  const scaled = logits.map((logit) => logit / tau);
  const largest = scaled.reduce((a, b) => Math.max(a, b));
  const lse = largest + Math.log(scaled.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
  return scaled.map((logit) => logit - lse);
}

interface Shape {
  readonly vocab: number;
  readonly first?: number;
  readonly count?: number;
  readonly nll?: boolean;
  readonly gradient?: boolean;
  readonly eps?: readonly [low: number, high: number];
  readonly cap?: number;
  readonly floor?: number;
  readonly lanes?: number;
  readonly surrogate?: keyof typeof SURROGATES;
  readonly limit?: number;
  readonly estimator?: keyof typeof ESTIMATORS;
  readonly capMasks?: boolean;
  readonly entropy?: number;
  /** Every token has the ratio of its sequence, e to this beyond its own. */
  readonly sequence?: number;
}

/** The switches of an objective, each by itself and some together. */
const OBJECTIVE_CASES: readonly (readonly [title: string, shape: Omit<Shape, 'vocab'>])[] = [
  ['a cap of the ratio on both sides', { limit: 1.5 }],
  ['cispo', { surrogate: 'cispo', limit: 1.4 }],
  ['cispo without a bound', { surrogate: 'cispo', limit: 1e6 }],
  ['sapo', { surrogate: 'sapo', eps: [1.05, 1] }],
  ['a mask', { surrogate: 'mask', limit: 0.02 }],
  ['a mask that drops nothing', { surrogate: 'mask', limit: 1 }],
  ['k1', { estimator: 'k1' }],
  ['k2', { estimator: 'k2' }],
  ['k3 by the ratio', { estimator: 'k3-ratio' }],
  ['corrections beyond the cap are masked', { capMasks: true }],
  ['an entropy bonus', { entropy: 0.3 }],
  ['an entropy bonus on likelihood', { entropy: 0.3, nll: true }],
  ['the ratio of the sequence, clipped', { sequence: 0.1 }],
  ['the ratio of the sequence, cispo', { sequence: 0.1, surrogate: 'cispo', limit: 1.4 }],
  ['the ratio of the sequence, sapo', { sequence: 0.1, surrogate: 'sapo', eps: [1.05, 1] }],
  ['the ratio of the sequence, a mask', { sequence: 0.1, surrogate: 'mask', limit: 0.02 }],
  ['many switches', { surrogate: 'sapo', eps: [2, 0.5], estimator: 'k2', entropy: 0.1, lanes: 4 }],
];

/**
 * Every branch of the loss: log-prob minus old, old minus sampler's, reference minus log-prob;
 * absent: null.
 */
const BRANCHES: readonly {
  readonly advantage: number;
  readonly ratio?: number;
  readonly correction?: number;
  readonly delta?: number;
  readonly weight?: number;
  readonly tau?: number;
}[] = [
  { advantage: 1.3 },
  { advantage: -0.7, tau: 0.3 },
  { advantage: 1.1, ratio: 0.03 },
  { advantage: 0.9, ratio: 0.6 }, // above: clipped
  { advantage: 1.2, ratio: -0.6 }, // below: not clipped
  { advantage: -1.4, ratio: -0.6 }, // below: clipped
  { advantage: -0.8, ratio: 0.6, tau: 2 }, // above: not clipped
  { advantage: 0, ratio: 0.6, delta: 1.5 },
  { advantage: 0, ratio: 200 }, // e^200 is beyond f32
  { advantage: 1.2, ratio: 200 },
  { advantage: 1, correction: 0.1 },
  { advantage: -1, ratio: -0.05, correction: 3 }, // capped
  { advantage: 1, correction: -1, delta: 1e-4 },
  { advantage: -0.5, delta: -1e-4 },
  { advantage: 0.5, delta: 0.06 },
  { advantage: 0.5, delta: -0.2, tau: 0.7 },
  { advantage: 0.5, delta: 2.1 },
  { advantage: 0.5, delta: 4 }, // k3 at its limit of 10
  { advantage: 0.5, delta: -5 },
  { advantage: 0.5, delta: 25 },
  { advantage: -0.5, delta: -25 },
  { advantage: 1, ratio: 0.6, delta: 1, weight: 0 }, // masked, its divergence is not
  // Unwanted tokens, whose log-prob is on either side of a floor.
  { advantage: 1, weight: -0.6, delta: 0.5 },
  { advantage: 1, weight: -0.4, delta: -0.3, tau: 0.3 },
  { advantage: 1, weight: -0.9, tau: 2 },
  { advantage: 1, weight: -0.7, delta: 0.2 },
];

function lossCase(title: string, s: Shape): KernelCase<Params> {
  const total = BRANCHES.length;
  const first = s.first ?? 0;
  const count = s.count ?? total - first;
  const normal = normals(s.vocab, count);
  const logits = normal(count * s.vocab, 1.5);
  const tokens = BRANCHES.map((branch, entry): LossToken => {
    const id = (entry * 7 + 3) % s.vocab;
    const tau = branch.tau ?? 1;
    const chunk = entry - first;
    const inside = chunk >= 0 && chunk < count;
    const logprob = inside
      ? logSoftmax(Float64Array.from(logits.subarray(chunk * s.vocab, (chunk + 1) * s.vocab)), tau)[
          id
        ]!
      : -1;
    const old = branch.ratio === undefined ? null : logprob - branch.ratio;
    return {
      id,
      tau,
      advantage: branch.advantage,
      old,
      sampler: branch.correction === undefined ? null : (old ?? logprob) - branch.correction,
      reference: branch.delta === undefined ? null : logprob + branch.delta,
      weight: branch.weight ?? 0.8,
      klWeight: 0.3,
      entropyWeight: s.entropy ?? 0,
      ratio:
        s.sequence === undefined
          ? null
          : Math.exp(Math.min(s.sequence + (branch.ratio ?? 0), MOST_LOG_RATIO)),
    };
  });
  return {
    title,
    params: {
      count,
      vocab: s.vocab,
      first,
      nll: s.nll ? 1 : 0,
      gradient: (s.gradient ?? true) ? 1 : 0,
      eps_low: s.eps?.[0] ?? 0.2,
      eps_high: s.eps?.[1] ?? 0.2,
      cap: s.cap ?? 2,
      floor: s.floor ?? NO_FLOOR,
      surrogate: SURROGATES[s.surrogate ?? 'clip'],
      limit: s.limit ?? NO_LIMIT,
      cap_masks: s.capMasks ? 1 : 0,
      estimator: ESTIMATORS[s.estimator ?? 'k3'],
    },
    constants: { LANES: s.lanes ?? 64 },
    io: {
      logits,
      tokens: packTokens(tokens),
      results: new Float32Array(total * RESULT.words).fill(-7),
    },
  };
}

/** One token a workgroup: more than one grid axis holds. */
function manyTokens(): KernelCase<Params> {
  const count = 65_600;
  const tokens = packTokens(
    Array.from({ length: count }, (_, entry) => ({ ...PLAIN_TOKEN, id: entry % 2, advantage: 1 })),
  );
  return {
    title: 'more tokens than one grid axis holds',
    params: {
      count,
      vocab: 2,
      first: 0,
      nll: 1,
      gradient: 0,
      eps_low: 0.2,
      eps_high: 0.2,
      cap: 2,
      floor: NO_FLOOR,
      ...CLIP_ALONE,
    },
    constants: { LANES: 4 },
    io: {
      logits: normals(count)(2 * count),
      tokens,
      results: new Float32Array(count * RESULT.words),
    },
  };
}
