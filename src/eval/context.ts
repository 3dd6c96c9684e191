import type { Problem } from '../data/problem.ts';
import type { PolicyText } from '../data/prompts.ts';
import type { Engine } from '../model/engine.ts';
import type { Phase } from '../settings/kinds.ts';
import type { Verdict, VerdictStatus } from '../schema/verdict.ts';

export interface Graded {
  /** The program found in the completion; null: no code. */
  readonly code: string | null;
  /** By every test there is. */
  readonly verdict: Verdict;
  /** Where the data set has EvalPlus' inputs: by the base inputs, and by base and plus inputs. */
  readonly parts?: { readonly base: VerdictStatus; readonly plus: VerdictStatus };
}

/** What an evaluation may touch; a training method gets the log besides (src/methods/method.ts). */
export interface EvaluationContext {
  readonly engine: Engine;
  readonly text: PolicyText;
  /**
   * Extracts the program of a completion and judges it by all asserts. Never rejects for what the
   * program does.
   */
  readonly grade: (problem: Problem, completion: string) => Promise<Graded>;
  /** Calls generation off: `evaluate` then rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Done and total of a phase, in its own unit. */
  readonly progress: (phase: Phase, done: number, total: number) => void;
}
