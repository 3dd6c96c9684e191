import wgsl from '../../shaders/kd_loss.wgsl';
import { flatGrid, type Kernel, type KernelCase, type ReferenceIo } from '../gpu/kernel.ts';
import { LIB } from './libraries.ts';
import { floats, normals, words } from './reference-helpers.ts';
import { logSoftmax, packTokens, PLAIN_TOKEN, RESULT, setResult, tokenAt } from './token-loss.ts';

type Params = 'count' | 'vocab' | 'first' | 'k' | 'renorm';

/** Id and log-prob that fill a teacher row shorter than k; any id beyond the vocabulary will do. */
const NO_TEACHER = { id: 0xffffffff, logprob: -3.4e38 } as const;

/**
 * What the student follows: of each entry the ids of k tokens, their log-probs and the mass outside
 * them, `teacher_ids` and `teacher_logprobs` to the kernel.
 */
export interface TeacherEntries {
  readonly k: number;
  /** (entries, k). */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** (entries, k + 1), the mass outside last. */
  readonly logprobs: Float32Array<ArrayBuffer>;
}

/** Entries that have no token yet and nothing outside. */
export function emptyTeacher(entries: number, k: number): TeacherEntries {
  const teacher = {
    k,
    ids: new Uint32Array(entries * k).fill(NO_TEACHER.id),
    logprobs: new Float32Array(entries * (k + 1)).fill(NO_TEACHER.logprob),
  };
  for (let entry = 0; entry < entries; entry++) writeTeacher(teacher, entry, [], 0);
  return teacher;
}

/** Gives an entry at most k tokens, and the mass outside them (no logarithm). */
export function writeTeacher(
  { k, ids, logprobs }: TeacherEntries,
  entry: number,
  tokens: readonly { readonly id: number; readonly logprob: number }[],
  outside: number,
): void {
  if (tokens.length > k)
    throw new Error(`A teacher's entry holds ${k} tokens; ${tokens.length} were given.`);
  tokens.forEach(({ id, logprob }, place) => {
    ids[entry * k + place] = id;
    logprobs[entry * (k + 1) + place] = Math.max(logprob, NO_TEACHER.logprob);
  });
  logprobs[entry * (k + 1) + k] = outside;
}

/** Entries first … first + count - 1, not a copy. */
export function teacherChunk(
  { k, ids, logprobs }: TeacherEntries,
  first: number,
  count: number,
): TeacherEntries {
  return {
    k,
    ids: ids.subarray(first * k, (first + count) * k),
    logprobs: logprobs.subarray(first * (k + 1), (first + count) * (k + 1)),
  };
}

/** Where the support's scaled logits stay for padding. */
const MARK = -3.4e38;

export const kdLoss: Kernel<Params> = {
  name: 'kd_loss',
  wgsl,
  lib: [LIB.reduce, LIB.tokens],
  constants: { LANES: 64 },
  grid: (p) => flatGrid(p.count),
  cost: (p) => 40 * p.count * (p.vocab + p.k),

  reference(io, p) {
    const [logits, support, results] = [
      floats(io, 'logits'),
      floats(io, 'support'),
      floats(io, 'results'),
    ];
    for (let i = 0; i < p.count; i++) {
      const entry = p.first + i;
      const { tau, weight } = tokenAt(words(io, 'tokens'), entry);
      const z = logits.subarray(i * p.vocab, (i + 1) * p.vocab);
      for (let s = 0; s < p.k; s++) {
        const id = words(io, 'teacher_ids')[i * p.k + s]!;
        support[i * p.k + s] = id < p.vocab ? z[id]! / tau : MARK;
      }
      const { loss, slopes } = divergence(z, tau, teacherAt(io, p, i), p.renorm !== 0);
      setResult(results, entry, { loss: weight * tau * tau * loss });
      z.set(slopes.map((slope) => weight * tau * slope));
    }
  },

  cases: () => [
    kdCase('a vocabulary of one', { vocab: 1, k: 1 }),
    kdCase('odd vocabulary, a few tokens', { vocab: 33, k: 5 }),
    kdCase('beyond a workgroup, a later chunk', { vocab: 201, k: 77, first: 2, count: 3 }),
    kdCase('renormalised, odd vocabulary', { vocab: 33, k: 5, renorm: true }),
    kdCase('renormalised beyond a workgroup, a later chunk', {
      vocab: 201,
      k: 77,
      renorm: true,
      first: 2,
      count: 3,
    }),
    kdCase('one token outside the support', { vocab: 34, k: 33 }),
    kdCase('a support that is the vocabulary', { vocab: 33, k: 33 }),
    kdCase('renormalised over the vocabulary', { vocab: 33, k: 33, renorm: true }),
    kdCase('a support of one token', { vocab: 70, k: 1 }),
    kdCase('renormalised over one token: nothing to learn', { vocab: 70, k: 1, renorm: true }),
    kdCase('rows of unequal length', { vocab: 40, k: 9, padded: true }),
    kdCase('rows of unequal length, more places than tokens', {
      vocab: 7,
      k: 9,
      padded: true,
      lanes: 4,
    }),
    kdCase('renormalised rows of unequal length', { vocab: 40, k: 9, padded: true, renorm: true }),
    kdCase('logits far apart: most of the mass is either here or there', {
      vocab: 50,
      k: 12,
      spread: 30,
    }),
    kdCase('renormalised logits far apart', { vocab: 50, k: 12, spread: 30, renorm: true }),
    kdCase('a teacher that is sure', { vocab: 50, k: 12, sharpness: 60 }),
    manyTokens(),
  ],

  gradients: [
    {
      gradient: 'logits',
      wrt: 'logits',
      applies: (p) => p['count']! <= TOKENS.length,
      loss(logits, io, params) {
        const p = params as Record<Params, number>;
        let loss = 0;
        for (let i = 0; i < p.count; i++) {
          const { tau, weight } = tokenAt(words(io, 'tokens'), p.first + i);
          const z = logits.subarray(i * p.vocab, (i + 1) * p.vocab);
          loss += weight * tau * tau * divergence(z, tau, teacherAt(io, p, i), p.renorm !== 0).loss;
        }
        return loss;
      },
    },
  ],
};

interface Teacher {
  /** id → q. */
  readonly q: ReadonlyMap<number, number>;
  /** q̄. */
  readonly tail: number;
}

function teacherAt(io: ReferenceIo, p: Readonly<Record<Params, number>>, i: number): Teacher {
  const logprobs = floats(io, 'teacher_logprobs').subarray(i * (p.k + 1), (i + 1) * (p.k + 1));
  const q = new Map<number, number>();
  words(io, 'teacher_ids')
    .subarray(i * p.k, (i + 1) * p.k)
    .forEach((id, s) => {
      if (id < p.vocab) q.set(id, Math.exp(logprobs[s]!));
    });
  return { q, tail: logprobs[p.k]! };
}

/**
 * KL(teacher ‖ student) of one token and its derivatives with respect to z/τ: plainly, over a
 * vector of all tokens.
 */
function divergence(logits: Float64Array, tau: number, { q, tail }: Teacher, renorm: boolean) {
  const all = logSoftmax(logits, tau);
  // What is compared: the support's tokens and, with a tail, one class for all others.
  const inside = renorm ? logSum(all.filter((_, id) => q.has(id))) : 0;
  const outside = logSum(all.filter((_, id) => !q.has(id)));
  const term = (target: number, logprob: number) =>
    target > 0 ? target * (Math.log(target) - logprob) : 0;
  let loss = term(tail, outside);
  for (const [id, target] of q) loss += term(target, all[id]! - inside);
  const slopes = all.map((logprob, id) => {
    const target = q.get(id);
    if (target !== undefined) return Math.exp(logprob - inside) - target;
    return renorm ? 0 : Math.exp(logprob) * (1 - tail / Math.exp(outside));
  });
  return { loss, slopes };
}

function logSum(logprobs: Float64Array): number {
  const largest = logprobs.reduce((a, b) => Math.max(a, b), -Infinity);
  return largest === -Infinity
    ? largest
    : largest + Math.log(logprobs.reduce((sum, l) => sum + Math.exp(l - largest), 0));
}

interface Shape {
  readonly vocab: number;
  readonly k: number;
  readonly first?: number;
  readonly count?: number;
  readonly renorm?: boolean;
  /** Half of the rows have a third of their places filled. */
  readonly padded?: boolean;
  /** Scale of the student's logits. */
  readonly spread?: number;
  /** Scale of the teacher's. */
  readonly sharpness?: number;
  readonly lanes?: number;
}

const TOKENS: readonly { readonly tau: number; readonly weight: number }[] = [
  { tau: 1, weight: 1 },
  { tau: 0.3, weight: 0.8 },
  { tau: 2, weight: -0.5 },
  { tau: 1.3, weight: 0.25 },
  { tau: 1, weight: 0 }, // masked
  { tau: 0.7, weight: 1.5 },
];

/** A teacher of its own logits, its k most likely tokens in their order. */
function kdCase(title: string, s: Shape): KernelCase<Params> {
  const first = s.first ?? 0;
  const count = s.count ?? TOKENS.length - first;
  const normal = normals(s.vocab, s.k);
  const logits = normal(count * s.vocab, s.spread ?? 1.5);
  const tokens = packTokens(
    TOKENS.map(({ tau, weight }, entry) => ({ ...PLAIN_TOKEN, id: entry % s.vocab, tau, weight })),
  );
  const teacher = emptyTeacher(count, s.k);
  for (let i = 0; i < count; i++) {
    const own = logSoftmax(Float64Array.from(normal(s.vocab, s.sharpness ?? 1.5)), 1);
    const k = Math.min(s.vocab, s.padded && i % 2 === 1 ? Math.ceil(s.k / 3) : s.k);
    const ranked = [...own.keys()].sort((a, b) => own[b]! - own[a]!);
    const mass = s.renorm ? logSum(Float64Array.from(ranked.slice(0, k), (id) => own[id]!)) : 0;
    writeTeacher(
      teacher,
      i,
      ranked.slice(0, k).map((id) => ({ id, logprob: own[id]! - mass })),
      s.renorm ? 0 : ranked.slice(k).reduce((sum, id) => sum + Math.exp(own[id]!), 0),
    );
  }
  return {
    title,
    params: { count, vocab: s.vocab, first, k: s.k, renorm: s.renorm ? 1 : 0 },
    constants: { LANES: s.lanes ?? 64 },
    io: {
      logits,
      tokens,
      teacher_ids: teacher.ids,
      teacher_logprobs: teacher.logprobs,
      support: new Float32Array(count * s.k).fill(-7),
      results: new Float32Array(TOKENS.length * RESULT.words).fill(-7),
    },
  };
}

/** One token a workgroup: more than one grid axis holds. */
function manyTokens(): KernelCase<Params> {
  const count = 65_600;
  const teacher = emptyTeacher(count, 1);
  for (let i = 0; i < count; i++)
    writeTeacher(teacher, i, [{ id: i % 2, logprob: Math.log(0.75) }], 0.25);
  return {
    title: 'more tokens than one grid axis holds',
    params: { count, vocab: 2, first: 0, k: 1, renorm: 0 },
    constants: { LANES: 4 },
    io: {
      logits: normals(count)(2 * count),
      tokens: packTokens(Array.from({ length: count }, () => PLAIN_TOKEN)),
      teacher_ids: teacher.ids,
      teacher_logprobs: teacher.logprobs,
      support: new Float32Array(count),
      results: new Float32Array(count * RESULT.words),
    },
  };
}
