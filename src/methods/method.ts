import type { CodeFormat, MethodText } from '../data/prompts.ts';
import type { Problem } from '../data/problem.ts';
import type { EvaluationContext, Graded } from '../eval/context.ts';
import type { DistillationBlock, TokenBlock } from '../schema/columns.ts';
import type { RunConfig } from '../schema/config.ts';
import type { NewEvent, TokenTotals } from '../schema/events.ts';

/**
 * All a method may touch. Nothing here tells the time except `now`, whose readings only ever reach
 * the log.
 */
export interface MethodContext extends EvaluationContext {
  readonly text: MethodText;
  /** `format`: what the completion looks like, where it does not answer the plain prompt. */
  readonly grade: (problem: Problem, completion: string, format?: CodeFormat) => Promise<Graded>;
  readonly emit: (event: NewEvent) => void;
  /** Keeps a rollout's token columns; returns where they start in tokens.bin, bytes. */
  readonly columns: (block: TokenBlock) => number;
  /** The same for the columns of a distilled target. */
  readonly distillation: (block: DistillationBlock) => number;
  /** Seconds from an arbitrary origin, for the log. */
  readonly now: () => number;
}

export interface StepInput {
  /** From 1. */
  readonly step: number;
  readonly epoch: number;
  /** The step's problems in the seeded order. */
  readonly problems: readonly Problem[];
  /** The problem at a place of the seeded order after the step's own, from 0. */
  readonly next: (place: number) => Problem;
  /** Problems there are to draw from. */
  readonly distinct: number;
  /** Totals of the run before this step. */
  readonly totals: TokenTotals;
}

export interface StepOutcome {
  readonly totals: TokenTotals;
  /** A gradient was not finite and that update changed nothing. */
  readonly skipped: boolean;
  /** Places of the seeded order after its own that the step passed in drawing more problems. */
  readonly passed: number;
}

/**
 * One step of a method: sample, grade, update, log. Results are ordered by index; no decision
 * depends on time.
 */
export type MethodStep = (
  context: MethodContext,
  config: RunConfig,
  input: StepInput,
) => Promise<StepOutcome>;
