import type { ProgramError, Verdict } from '../schema/verdict.ts';
import type { Value, WireValue } from './value.ts';

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
   * Python assert statements, in the order of the verdict's `asserts`; or whole tests (loops over cases, HumanEval's
   * `check`), which have a verdict for each assert they come down to.
   */
  readonly asserts: readonly string[];
  /** Code of the data set that its tests call. Runs in the trusted interpreter only. */
  readonly helpers?: string;
  /** Wall-clock limit of each assert, in seconds, before machine calibration; none where left out. */
  readonly assertSeconds?: readonly number[];
}

/** A call whose value is wanted as it is. */
export interface Call {
  /** A Python expression, or a function of the program with plain values to call it with. */
  readonly what: string | { readonly function: string; readonly args: readonly WireValue[] };
  /** Read an iterator's items, since the caller wants a set of them anyway. */
  readonly consume?: boolean;
  /** Wall-clock limit in seconds, before machine calibration. */
  readonly seconds?: number;
  /** Largest value in parts (20,000) and in characters of text (100,000). */
  readonly nodes?: number;
  readonly text?: number;
}

/** A program and calls to make of it, compared by the caller: references, data sets with rules of their own. */
export interface Calls extends Source {
  readonly calls: readonly Call[];
}

/** What a call returned or raised. `ms`: time inside, in milliseconds. */
export type CallResult = { readonly ms: number } & ({ readonly value: Value } | { readonly error: ProgramError });

/** How the calls ended: all answered; the program did not load; or what came to a halt at call number `answered`. */
export interface CallsEnd {
  readonly status: 'done' | 'error' | 'timeout' | 'crash' | 'infra';
  /** Calls with a result. */
  readonly answered: number;
  readonly error?: ProgramError;
  readonly stdout?: string;
  /** It ran out of time once and was run again by itself: the results began anew. */
  readonly retried?: true;
  readonly ms: number;
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
 * Runs hostile Python and judges it outside. Implementations: workers of an opaque-origin frame in the browser,
 * a restricted child process under Node. `grade` never throws for anything the program does; a sandbox that
 * fails by itself is verdict `infra`. It rejects only when called off.
 */
export interface Sandbox {
  grade(program: Program, how?: AbortSignal | Handling): Promise<Verdict>;
  /** Resolves when the first worker can take a program. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
