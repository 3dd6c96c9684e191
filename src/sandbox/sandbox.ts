import type { Verdict } from '../schema/verdict.ts';

/** What is run before anything is asked of it. */
export interface Source {
  /** The solution as extracted from a completion. */
  readonly solution: string;
  readonly setup: string;
  /** Run the solution before `setup` (MBPP 367 and 927). */
  readonly setupAfterSolution: boolean;
  /** Wall-clock limit for the whole program, in seconds, before machine calibration. */
  readonly timeoutSeconds: number;
}

/** One program to run and the asserts that judge it. */
export interface Program extends Source {
  /**
   * Python assert statements, in the order of the verdict's `asserts`; or whole tests (loops over
   * cases, HumanEval's `check`), which have a verdict for each assert they come down to.
   */
  readonly asserts: readonly string[];
  /** Code of the data set that its tests call. Runs in the trusted interpreter only. */
  readonly helpers?: string;
  /**
   * Wall-clock limit of each assert, in seconds, before machine calibration; none where left out.
   */
  readonly assertSeconds?: readonly number[];
}

/** How a program is to be run. */
export interface Handling {
  /** Callers are served in turn, each first come, first served. */
  readonly caller?: string;
  /** On a guest that has run nothing before (final evaluations). */
  readonly fresh?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Runs hostile Python and judges it outside. Implementations: workers of an opaque-origin frame in
 * the browser, a restricted child process under Node. `grade` never throws for anything the program
 * does; a sandbox that fails by itself is verdict `infra`. It rejects only when called off.
 */
export interface Sandbox {
  grade(program: Program, how?: AbortSignal | Handling): Promise<Verdict>;
  /** Resolves when the first worker can take a program. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
