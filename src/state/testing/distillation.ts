import { KEPT_TOP, NO_TOKEN, type DistillationBlock } from '../../schema/columns.ts';

type Likely = readonly (readonly [id: number, probability: number])[];

export interface TargetToken {
  readonly id: number;
  readonly loss: number;
  readonly teacher: Likely;
  readonly student: Likely;
}

/**
 * The block of a target whose tokens are one byte each; lists shorter than KEPT_TOP are padded as
 * those of a small vocabulary.
 */
export function targetBlock(tokens: readonly TargetToken[]): DistillationBlock {
  const top = (lists: readonly Likely[]) => {
    const places = lists.flatMap((list) => Array.from({ length: KEPT_TOP }, (_, i) => list[i]));
    return {
      ids: Uint32Array.from(places, (place) => place?.[0] ?? 0),
      logprobs: Float32Array.from(places, (place) => (place ? Math.log(place[1]) : NO_TOKEN)),
    };
  };
  return {
    ids: Uint32Array.from(tokens, ({ id }) => id),
    ends: Uint32Array.from(tokens, (_, i) => i + 1),
    loss: Float32Array.from(tokens, ({ loss }) => loss),
    teacher: top(tokens.map(({ teacher }) => teacher)),
    student: top(tokens.map(({ student }) => student)),
  };
}
