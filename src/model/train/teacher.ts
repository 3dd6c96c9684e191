import { emptyTeacher, writeTeacher } from '../../kernels/kd-loss.ts';
import type { TeacherTokens, TrainSequence } from './step.ts';
import type { TeacherRows } from '../forward/head.ts';
import type { Packed } from '../forward/packing.ts';

/**
 * How far over 1 the probabilities of one position may sum: they come from f32, or from text with
 * few digits.
 */
const EXCESS = 0.01;

/**
 * Rows of a micro-batch's entries, each of which sums to 1: over its tokens and the mass outside
 * them, or over its tokens alone where renormalised or where they are the whole vocabulary. Shorter
 * rows are padded to the longest.
 */
export function teacherRows(
  packed: Packed,
  sequences: readonly TrainSequence[],
  vocab: number,
  renorm: boolean,
): TeacherRows {
  const entries = packed.sources.length;
  const k = packed.items.reduce((most, i) => Math.max(most, sequences[i]?.teacher?.k ?? 0), 1);
  const rows = emptyTeacher(entries, k);
  for (let e = 0; e < entries; e++) {
    const teacher = sequences[packed.items[e] ?? 0]?.teacher;
    if (!teacher) continue; // masked
    const from = (packed.positions[e] ?? 0) * teacher.k;
    const inside = logSum(teacher, from);
    const tail = renorm || teacher.k >= vocab ? 0 : Math.max(0, -Math.expm1(inside));
    const total = Math.log(Math.exp(inside) + tail);
    const tokens = Array.from({ length: teacher.k }, (_, s) => ({
      id: teacher.ids[from + s] ?? 0,
      logprob: (teacher.logprobs[from + s] ?? 0) - total,
    }));
    writeTeacher(rows, e, tokens, tail);
  }
  return { ...rows, renorm };
}

/**
 * Throws a sentence unless the sequence's teacher is one for its completion over a vocabulary of
 * `vocab`.
 */
export function checkTeacher(sequence: TrainSequence, label: string, vocab: number): void {
  const { teacher, completion } = sequence;
  if (!teacher) {
    if (sequence.masked) return;
    throw new Error(
      `${label} has no teacher, which distillation needs for every completion token.`,
    );
  }
  const { k, ids, logprobs } = teacher;
  if (!Number.isInteger(k) || k < 1 || k > vocab)
    throw new Error(
      `${label} has a teacher of ${k} tokens a position; 1 to ${vocab} (the vocabulary) can be given.`,
    );
  const wanted = completion.length * k;
  if (ids.length !== wanted || logprobs.length !== wanted) {
    throw new Error(
      `${label} has a teacher of ${ids.length} ids and ${logprobs.length} log-probs; ` +
        `${completion.length} completion tokens at ${k} each need ${wanted}.`,
    );
  }
  const seen = new Int32Array(vocab);
  for (let position = 0; position < completion.length; position++) {
    const where = `${label}, completion token ${position + 1}:`;
    for (let at = position * k; at < (position + 1) * k; at++) {
      const id = ids[at] ?? -1;
      const logprob = logprobs[at] ?? NaN;
      if (!Number.isInteger(id) || id < 0 || id >= vocab)
        throw new Error(
          `${where} the teacher's id ${id} is beyond the model's vocabulary of ${vocab}; ` +
            'teacher and student need the same tokenizer.',
        );
      if (seen[id] === position + 1)
        throw new Error(
          `${where} the teacher names id ${id} twice; the ids of one position must differ.`,
        );
      if (Number.isNaN(logprob))
        throw new Error(`${where} the teacher's log-prob of id ${id} is not a number.`);
      seen[id] = position + 1;
    }
    const inside = logSum(teacher, position * k);
    if (inside === -Infinity || inside > Math.log1p(EXCESS)) {
      throw new Error(
        `${where} the teacher's probabilities sum to ${Math.exp(inside).toPrecision(4)}; ` +
          'log-probs of part of a distribution sum to more than 0 and at most 1.',
      );
    }
  }
}

/** Logsumexp of one position's log-probs. */
function logSum({ k, logprobs }: TeacherTokens, from: number): number {
  let largest = -Infinity;
  for (let s = 0; s < k; s++) largest = Math.max(largest, logprobs[from + s] ?? -Infinity);
  if (largest === -Infinity) return largest;
  let sum = 0;
  for (let s = 0; s < k; s++) sum += Math.exp((logprobs[from + s] ?? -Infinity) - largest);
  return largest + Math.log(sum);
}
