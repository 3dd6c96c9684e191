import * as v from 'valibot';
import { EngineSizes } from '../schema/plan.ts';
import type { Checkpoint } from '../storage/run-store.ts';

/** What a checkpoint carries besides adapter and log offset. The data cursor is the
 * step itself and `passed`. */
const State = v.object({
  evaluated: v.boolean(),
  totals: v.object({ prompt: v.number(), generated: v.number(), trained: v.number() }),
  /** Places of the seeded order that dynamic sampling passed beyond those of the steps. */
  passed: v.optional(v.number()),
  /** Where they had to change after the start; else those of `run.started` hold. */
  sizes: v.optional(EngineSizes),
});
export type CheckpointState = v.InferOutput<typeof State>;

/** The state that `checkpoint` holds; throws a sentence where another version wrote it. */
export function parseState(checkpoint: Checkpoint): CheckpointState {
  const state = v.safeParse(State, checkpoint.state);
  if (state.success) return state.output;
  throw new Error(
    `The checkpoint of step ${checkpoint.step} was written by another version ` +
      `(${state.issues[0].message}); start the run anew.`,
  );
}
