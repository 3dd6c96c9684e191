import { KEPT_TOP, NO_TOKEN, type DistillationBlock, type TopTokens } from '../schema/columns.ts';

/**
 * A token that teacher or student finds likely, and how likely, 0 to 1; null: not among the
 * KEPT_TOP of that one.
 */
export interface Candidate {
  readonly id: number;
  readonly teacher: number | null;
  readonly student: number | null;
}

/**
 * Both lists of a position as one, matched by id: the teacher's best first, then those that only
 * the student has.
 */
export function candidatesAt(
  { teacher, student }: DistillationBlock,
  position: number,
): Candidate[] {
  const taught = likelyAt(teacher, position);
  const own = likelyAt(student, position);
  return [...new Set([...taught.keys(), ...own.keys()])].map((id) => ({
    id,
    teacher: taught.get(id) ?? null,
    student: own.get(id) ?? null,
  }));
}

/** Probabilities by id, best first. */
function likelyAt({ ids, logprobs }: TopTokens, position: number): Map<number, number> {
  const likely = new Map<number, number>();
  for (let i = position * KEPT_TOP; i < (position + 1) * KEPT_TOP; i++) {
    const logprob = logprobs[i] ?? NO_TOKEN;
    if (logprob > NO_TOKEN) likely.set(ids[i] ?? 0, Math.exp(logprob));
  }
  return likely;
}

/** Where teacher and student are furthest apart; null where no loss is a number. */
export function furthestApart({ loss }: DistillationBlock): number | null {
  return loss.reduce<number | null>(
    (best, value, i) => (value > (best === null ? -Infinity : (loss[best] ?? 0)) ? i : best),
    null,
  );
}
