import type { ProgramError } from '../schema/verdict.ts';
import type { Attempt, Step, StepReply } from './execution.ts';
import { outputText } from './reply.ts';
import type { Source } from './sandbox.ts';
import { decode, type Value, type WireValue } from './value.ts';

/**
 * A function of the program and plain values to call it with; the value it returns is wanted as it
 * is.
 */
export interface Call {
  readonly function: string;
  readonly args: readonly WireValue[];
  /**
   * Largest value that is looked at: parts, and characters of text. Beyond it a value is
   * `unsupported`.
   */
  readonly nodes: number;
  readonly text: number;
  /** Read an iterator's items, since the caller wants a set of them anyway. */
  readonly consume?: boolean;
  /** Wall-clock limit in seconds, before machine calibration. */
  readonly seconds?: number;
}

/**
 * A program and calls to make of it, compared by the caller: references, data sets with rules of
 * their own.
 */
export interface Calls extends Source {
  readonly calls: readonly Call[];
}

/** What a call returned or raised. `ms`: time inside, in milliseconds. */
export type CallResult = { readonly ms: number } & (
  { readonly value: Value } | { readonly error: ProgramError }
);

/**
 * How the calls went: all made; the program did not load; or what came to a halt after the last
 * result.
 */
export interface CallsReport {
  readonly status: 'done' | 'error' | 'timeout' | 'crash' | 'infra';
  readonly results: readonly CallResult[];
  /** Of the program's load, or of the sandbox. */
  readonly error?: ProgramError;
  readonly stdout?: string;
  /** It ran out of time once and was run again by itself; these are the second results. */
  readonly retried?: true;
  /** Wall time in milliseconds. */
  readonly ms: number;
}

/** An attempt at calls. */
export class CallsAttempt implements Attempt {
  readonly steps: readonly Step[];
  readonly results: CallResult[] = [];
  private error: ProgramError | undefined;
  private stdout: [string, number] | undefined;

  /** `scale` turns the calls' seconds into this machine's. */
  constructor({ setup, solution, setupAfterSolution, calls }: Calls, scale: number) {
    const made = calls.map(({ seconds, ...call }): Step => {
      const request = { type: 'call', consume: false, truth: false, ...call };
      return seconds === undefined ? { request } : { request, limitMs: seconds * 1000 * scale };
    });
    this.steps = [{ request: { type: 'load', setup, solution, setupAfterSolution } }, ...made];
  }

  accept(reply: StepReply, ms: number, index: number): boolean {
    this.stdout = reply.stdout ?? this.stdout;
    const error = reply.error ?? { type: 'Exception', message: '', lines: [] };
    if (index === 0) {
      if (reply.ok !== true) this.error = error;
      return true;
    }
    const value = reply.value === undefined ? null : decode(reply.value);
    if (value === null && reply.value !== undefined) return false;
    this.results.push(value === null ? { ms, error } : { ms, value });
    return true;
  }

  /** `halt`: what kept the rest from being made. */
  report(halt: 'timeout' | 'crash' | null, ms: number): CallsReport {
    return {
      status: halt ?? (this.error === undefined ? 'done' : 'error'),
      results: this.results,
      ...(this.error === undefined ? {} : { error: this.error }),
      ...(this.stdout === undefined ? {} : { stdout: outputText(this.stdout) }),
      ms,
    };
  }
}
