import type { Verdict } from '../schema/verdict.ts';

/** One program to run and the asserts that judge it. */
export interface Program {
  /** The solution as extracted from a completion. */
  readonly solution: string;
  readonly setup: string;
  /** Run the solution before `setup` (MBPP 367 and 927). */
  readonly setupAfterSolution: boolean;
  /** Code of the data set that its tests call. Runs in the trusted interpreter only. */
  readonly helpers?: string;
  /**
   * Python assert statements, in the order of the verdict's `asserts`; or whole tests (loops over cases, HumanEval's
   * `check`), which have a verdict for each assert they come down to.
   */
  readonly asserts: readonly string[];
  /** Wall-clock limit for the whole program, in seconds, before machine calibration. */
  readonly timeoutSeconds: number;
}

/**
 * Runs hostile Python and judges it outside. Implementations: workers of an opaque-origin frame in the browser,
 * a restricted child process under Node. `grade` never throws for anything the program does; a sandbox that
 * fails by itself is verdict `infra`.
 */
export interface Sandbox {
  grade(program: Program, signal?: AbortSignal): Promise<Verdict>;
  /** Resolves when the first worker can take a program. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
