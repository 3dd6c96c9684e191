import type { EvaluationContext } from '../eval/context.ts';
import type { TokenBlock } from '../schema/columns.ts';
import type { NewEvent } from '../schema/events.ts';

/** All a method may touch. Nothing here tells the time except `now`, whose readings only ever reach the log. */
export interface MethodContext extends EvaluationContext {
  readonly emit: (event: NewEvent) => void;
  /** Keeps a rollout's token columns; returns where they start in tokens.bin, bytes. */
  readonly columns: (block: TokenBlock) => number;
  /** Seconds from an arbitrary origin, for the log. */
  readonly now: () => number;
}
