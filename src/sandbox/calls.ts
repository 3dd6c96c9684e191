import * as v from 'valibot';
import { ProgramError } from '../schema/verdict.ts';
import type { GuestHandle } from './guest-handle.ts';
import { Output, outputText, parseReply, tampered } from './reply.ts';
import { parseValue, type Value, type WireValue } from './value.ts';

/** A program and the calls of one of its functions: nothing is judged in here, values come back. */
export interface CallProgram {
  readonly solution: string;
  readonly setup: string;
  readonly entryPoint: string;
  /** Made one after the other in one interpreter, as EvalPlus makes them. */
  readonly calls: readonly Call[];
}

export interface Call {
  readonly args: readonly WireValue[];
  /** Largest value that is looked at: parts, and characters of text. Beyond it a value is `unsupported`. */
  readonly nodes: number;
  readonly text: number;
  /** Read an iterator's items: for those that turn it into a set anyway. */
  readonly consume: boolean;
  /** Wall-clock limit of this call, in seconds. */
  readonly seconds: number;
}

export type CallOutcome =
  | { readonly status: 'value'; readonly value: Value; readonly ms: number }
  | { readonly status: 'error'; readonly error: ProgramError; readonly ms: number }
  /** The call was under way when the interpreter was stopped or died, or was never begun because of that. */
  | { readonly status: 'timeout' | 'crash' };

export interface CallReport {
  /** One a call; none where the program did not load. */
  readonly outcomes: readonly CallOutcome[];
  /** Set where the program could not be loaded, timed out or died while loading. */
  readonly unloaded?: { readonly status: 'error' | 'timeout' | 'crash'; readonly error?: ProgramError };
  readonly stdout?: string;
  /** A call ran out of its time. */
  readonly timedOut: boolean;
  readonly ms: number;
}

const Reply = v.object({
  ok: v.optional(v.boolean()),
  results: v.optional(
    v.array(
      v.object({
        value: v.optional(v.array(v.unknown())),
        error: v.optional(ProgramError),
        ms: v.optional(v.number(), 0),
      }),
    ),
  ),
  error: v.optional(ProgramError),
  stdout: v.optional(Output),
  stderr: v.optional(Output),
});
type Reply = v.InferOutput<typeof Reply>;

/** One message holds as many calls as fit into this time; their own limit comes on top. */
const BATCH_SECONDS = 1;
const BATCH_CALLS = 200;
/** Characters of one answer after which the rest waits for the next message. */
const ROOM = 4_000_000;

/** Loading counts against the first call's limit, and a shared machine may be slow at it. */
const LOAD_SECONDS = 10;

/**
 * Loads a program in one guest and makes its calls. `single` sends one call a message, so that a limit that is passed names
 * its call; in batches it names the first call without an answer. Rejects with `GuestLost` when the guest dies.
 */
export class CallRunner {
  readonly outcomes: CallOutcome[] = [];
  private stdout: [string, number] | undefined;
  private unloaded: CallReport['unloaded'];
  private loaded = false;
  timedOut = false;

  constructor(
    private readonly program: CallProgram,
    private readonly guest: GuestHandle,
    private readonly single: boolean,
  ) {}

  async run(): Promise<void> {
    const { solution, setup, entryPoint, calls } = this.program;
    const load = await this.step({ type: 'load', setup, solution, setupAfterSolution: false }, LOAD_SECONDS);
    if (load.ok !== true) {
      this.unloaded = { status: 'error', ...(load.error === undefined ? {} : { error: load.error }) };
      return;
    }
    this.loaded = true;
    // Without calls, too, the function has to be there.
    do {
      const next = this.outcomes.length;
      const batch = calls.slice(next, next + (this.single ? 1 : BATCH_CALLS));
      const seconds = Math.max(0, ...batch.map((call) => call.seconds)) + (this.single ? 0 : BATCH_SECONDS);
      const reply = await this.step(
        { type: 'apply', function: entryPoint, calls: batch, seconds: BATCH_SECONDS, room: ROOM },
        seconds,
      );
      if (reply.results === undefined && reply.error !== undefined) {
        // There is no such function.
        this.unloaded = { status: 'error', error: reply.error };
        return;
      }
      const results = reply.results ?? [];
      if (results.length > batch.length || (results.length === 0 && batch.length > 0)) tampered(this.guest);
      for (const { value, error, ms } of results) {
        if (value !== undefined) this.outcomes.push({ status: 'value', value: this.decode(value), ms });
        else this.outcomes.push({ status: 'error', error: error ?? tampered(this.guest), ms });
      }
    } while (this.outcomes.length < calls.length);
  }

  /** What was reached; calls without an outcome get `rest`: what came to a halt there. */
  report(ms: number, rest: 'timeout' | 'crash' = 'crash'): CallReport {
    const { calls } = this.program;
    const unloaded = this.unloaded ?? (this.loaded ? undefined : { status: rest });
    const missing = unloaded === undefined ? calls.slice(this.outcomes.length).map(() => ({ status: rest })) : [];
    return {
      outcomes: unloaded === undefined ? [...this.outcomes, ...missing] : [],
      ...(unloaded === undefined ? {} : { unloaded }),
      ...(this.stdout === undefined ? {} : { stdout: outputText(this.stdout) }),
      timedOut: this.timedOut,
      ms,
    };
  }

  private async step(request: object, seconds: number): Promise<Reply> {
    const timer = setTimeout(() => {
      this.timedOut = true;
      this.guest.kill('a call ran out of time');
    }, seconds * 1000);
    try {
      const { text } = await this.guest.step(request);
      const reply = parseReply(Reply, text) ?? tampered(this.guest);
      this.stdout = reply.stdout ?? this.stdout;
      return reply;
    } finally {
      clearTimeout(timer);
    }
  }

  private decode(wire: unknown): Value {
    try {
      return parseValue(wire);
    } catch {
      return tampered(this.guest);
    }
  }
}
