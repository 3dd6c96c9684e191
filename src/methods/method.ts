import type { Problem } from '../data/problem.ts';
import type { Engine } from '../model/engine.ts';
import type { TokenBlock } from '../schema/columns.ts';
import type { NewEvent } from '../schema/events.ts';
import type { Verdict } from '../schema/verdict.ts';

/** The model's side of text: prompts in, completions out. */
export interface PolicyText {
  /** The plain prompt of a problem, as the model sees it. */
  prompt(problem: Problem): { readonly text: string; readonly ids: readonly number[] };
  /** Text of completion ids, special tokens left out. */
  decode(ids: readonly number[]): string;
  /** UTF-8 end offset of each token in `decode(ids)`; a special token ends where the one before it did. */
  ends(ids: readonly number[]): Uint32Array;
  /** Ids that end a completion. */
  readonly stopIds: readonly number[];
}

export interface Graded {
  /** The program found in the completion; null: no code. */
  readonly code: string | null;
  readonly verdict: Verdict;
}

export type Phase = 'sample' | 'grade' | 'update' | 'evaluate';

/** All a method may touch. Nothing here tells the time except `now`, whose readings only ever reach the log. */
export interface MethodContext {
  readonly engine: Engine;
  readonly text: PolicyText;
  /** Extracts the program of a completion and judges it by all asserts. Never rejects for what the program does. */
  grade(problem: Problem, completion: string): Promise<Graded>;
  emit(event: NewEvent): void;
  /** Keeps a rollout's token columns; returns where they start in tokens.bin, bytes. */
  columns(block: TokenBlock): number;
  /** Done and total of a phase, in its own unit. */
  progress(phase: Phase, done: number, total: number): void;
  /** Seconds from an arbitrary origin, for the log. */
  now(): number;
}
