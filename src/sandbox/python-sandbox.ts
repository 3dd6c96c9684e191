import type { ProgramError, Verdict } from '../schema/verdict.ts';
import { guestBooter, type BootOptions, type SandboxHost } from './booter.ts';
import { slowness } from './calibration.ts';
import {
  callStep,
  decode,
  execute,
  loadStep,
  outputText,
  type Execution,
  type Step,
  type StepReply,
} from './execution.ts';
import type { GuestHandle } from './guest-handle.ts';
import { SPLITTER } from './guest-python.ts';
import { Judge, overallStatus } from './judge.ts';
import { Pool, type Demand, type PoolCounts } from './pool.ts';
import type { PrivatePath } from './protocol.ts';
import type { Calls, CallResult, CallsEnd, Handling, Program, Sandbox } from './sandbox.ts';
import { TrustedPython } from './trusted.ts';

export interface SandboxOptions extends BootOptions {
  /** Programs at work at the same time; a warm spare comes on top. */
  readonly workers: number;
  /** Share of passes on used guests that are run again on a fresh one (0.02). A difference renews the pool. */
  readonly recheck?: number | undefined;
  /** Told when a program got different verdicts on a used and on a fresh guest: something leaked between programs. */
  readonly onDifference?: ((difference: Difference) => void) | undefined;
}

export interface Difference {
  readonly program: Program;
  readonly used: Verdict;
  readonly fresh: Verdict;
}

/** What the sandbox has done so far. */
export interface SandboxStats extends PoolCounts {
  /** Passes run again on a fresh guest, and those that then got another verdict. */
  readonly rechecked: number;
  readonly differed: number;
  /** Programs that ran out of time and were run again by themselves. */
  readonly retried: number;
  /** What limits are multiplied by on this machine, as measured last. */
  readonly scale: number;
  /** The private paths that the last guest took, its boot in milliseconds, and the bytes of its heap. */
  readonly paths: readonly PrivatePath[];
  readonly bootMs: number;
  readonly heap: number;
  /** Of the last guest's process, where there is one. */
  readonly pid?: number | undefined;
}

/** A sandbox with the trusted interpreter's other use. */
export interface PythonSandbox extends Sandbox {
  /** The longest span of whole lines of a completion that parses as Python; null when there is none. */
  longestParsable(text: string): Promise<string | null>;
  /** What EvalPlus' sanitiser keeps of a completion; null when nothing parses. */
  sanitize(text: string, entryPoint: string | null): Promise<string | null>;
}

/** What `createPythonSandbox` makes: programs judged, and calls made for those who compare by rules of their own. */
export interface PythonRunner extends PythonSandbox {
  /**
   * Makes the calls and hands over each result as it arrives; index 0 comes again when a run that timed out is made
   * again. A value that is not plain data, or beyond its budget, is `unsupported`. Rejects only when called off.
   */
  call(job: Calls, each: (result: CallResult, index: number) => void, how?: Handling): Promise<CallsEnd>;
  stats(): SandboxStats;
}

/** One attempt: steps on one guest, and what to do with each reply. */
interface Attempt {
  readonly steps: readonly Step[];
  readonly accept: (reply: StepReply, ms: number, index: number) => boolean;
}

/** How the last attempt ended, and whether its guest had run nothing before. */
interface Ended<T> {
  readonly end: Execution['end'];
  readonly ms: number;
  readonly attempt: T;
  readonly fresh: boolean;
  readonly retried: boolean;
}

export function createPythonSandbox(host: SandboxHost, options: SandboxOptions): PythonRunner {
  const { recheck = 0.02 } = options;
  const bootGuest = guestBooter(host, options);
  const pool = new Pool(options.workers, () => bootGuest());
  const trusted = new TrustedPython(() => bootGuest(SPLITTER));
  const stats = { rechecked: 0, differed: 0, retried: 0, scale: 1 };
  let latest: GuestHandle | null = null;

  /** One attempt on one guest. Rejects when called off, and when no guest can be had. */
  const once = async <T extends Attempt>(
    demand: Demand,
    seconds: number,
    make: (scale: number) => T,
  ): Promise<Omit<Ended<T>, 'retried'>> => {
    const guest = await pool.acquire(demand);
    latest = guest;
    const fresh = guest.programs === 0;
    let done: Promise<string | null> = Promise.reject(new Error('the program was not started'));
    done.catch(() => undefined);
    try {
      if (demand.alone === true) stats.scale = (await slowness(guest)) ?? stats.scale;
      const attempt = make(stats.scale);
      const limit = seconds * 1000 * stats.scale;
      const run = await execute(guest, attempt.steps, limit, attempt.accept, demand.signal);
      done = run.done;
      return { end: run.end, ms: run.ms, attempt, fresh };
    } finally {
      pool.release(guest, done, demand.fresh !== true && demand.alone !== true);
    }
  };

  /**
   * Runs a program, again where that is due: a death may be another program's doing and a timeout the machine's, so each
   * is tried once more, on a fresh guest, the timeout when nothing else runs. The second time counts.
   */
  const settled = async <T extends Attempt>(
    how: Handling,
    seconds: number,
    make: (scale: number) => T,
  ): Promise<Ended<T>> => {
    const { caller, signal, fresh } = how;
    const first = await once({ caller, signal, fresh }, seconds, make);
    if (first.end === 'answered') return { ...first, retried: false };
    if (first.end === 'dead')
      return { ...(await once({ caller, signal, fresh: true }, seconds, make)), retried: false };
    stats.retried += 1;
    return { ...(await once({ signal, alone: true }, seconds, make)), retried: true };
  };

  const judged = async (program: Program, how: Handling): Promise<{ verdict: Verdict; fresh: boolean }> => {
    const tests = await trusted.plan(program.setup, program.asserts, program.helpers);
    const { end, ms, attempt, fresh, retried } = await settled(how, program.timeoutSeconds, (scale) => {
      const judge = new Judge(program, tests, trusted, scale);
      return { judge, steps: judge.steps, accept: judge.accept.bind(judge) };
    });
    const { judge } = attempt;
    if (end === 'dead') return { verdict: whole(program, 'crash', ms), fresh };
    await judge.finish();
    if (end === 'timeout') judge.fill('timeout');
    const verdict = judge.verdict(end === 'timeout' ? 'timeout' : overallStatus(judge.asserts), ms);
    return { verdict: retried ? { ...verdict, retried } : verdict, fresh };
  };

  const handling = (how: AbortSignal | Handling | undefined): Handling =>
    how instanceof AbortSignal ? { signal: how } : (how ?? {});

  return {
    async ready() {
      const guest = await pool.acquire();
      latest = guest;
      stats.scale = (await slowness(guest)) ?? stats.scale;
      pool.release(guest, Promise.resolve(null));
      await trusted.ready();
    },

    async grade(program, control) {
      const how = handling(control);
      const begin = performance.now();
      if (program.asserts.length === 0) {
        return whole(program, 'infra', 0, sandboxError('There is no assert to judge by.'));
      }
      try {
        const { verdict, fresh } = await judged(program, how);
        // Chance decides, which a policy cannot foresee.
        if (verdict.status !== 'pass' || fresh || Math.random() >= recheck) return verdict;
        stats.rechecked += 1;
        const again = (await judged(program, { ...how, fresh: true })).verdict;
        if (sameVerdict(verdict, again)) return verdict;
        stats.differed += 1;
        pool.renew();
        options.onDifference?.({ program, used: verdict, fresh: again });
        return again;
      } catch (error) {
        if (how.signal?.aborted === true) throw how.signal.reason;
        return whole(program, 'infra', performance.now() - begin, sandboxError(error));
      }
    },

    async call(job, each, how = {}) {
      const begin = performance.now();
      try {
        const { end, ms, attempt, retried } = await settled(how, job.timeoutSeconds, (scale) =>
          calls(job, each, scale),
        );
        const status = end === 'answered' ? (attempt.error === undefined ? 'done' : 'error') : end;
        return {
          status: status === 'dead' ? 'crash' : status,
          answered: attempt.answered,
          ...(attempt.error === undefined ? {} : { error: attempt.error }),
          ...(attempt.stdout === undefined ? {} : { stdout: outputText(attempt.stdout) }),
          ...(retried ? { retried } : {}),
          ms,
        } satisfies CallsEnd;
      } catch (error) {
        if (how.signal?.aborted === true) throw how.signal.reason;
        return { status: 'infra', answered: 0, error: sandboxError(error), ms: performance.now() - begin };
      }
    },

    longestParsable: (text) => trusted.longestParsable(text),
    sanitize: (text, entryPoint) => trusted.sanitize(text, entryPoint),

    stats: () => ({
      ...pool.counts,
      ...stats,
      paths: [...(latest?.paths ?? [])],
      bootMs: latest?.bootMs ?? 0,
      heap: latest?.heap ?? 0,
      pid: latest?.pid,
    }),

    close() {
      pool.close();
      trusted.close();
      host.close?.();
      return Promise.resolve();
    },
  };
}

/** An attempt at calls whose results the caller takes as they come. */
function calls(job: Calls, each: (result: CallResult, index: number) => void, scale: number) {
  const attempt = {
    answered: 0,
    error: undefined as ProgramError | undefined,
    stdout: undefined as [string, number] | undefined,
    steps: [
      loadStep(job),
      ...job.calls.map((call) =>
        callStep(call.what, call, call.seconds === undefined ? undefined : call.seconds * 1000 * scale),
      ),
    ],
    accept(reply: StepReply, ms: number, index: number): boolean {
      attempt.stdout = reply.stdout ?? attempt.stdout;
      const error = reply.error ?? { type: 'Exception', message: '', lines: [] };
      if (index === 0) {
        if (reply.ok !== true) attempt.error = error;
        return true;
      }
      const value = reply.value === undefined ? null : decode(reply.value);
      if (value === null && reply.value !== undefined) return false;
      attempt.answered = index;
      each(value === null ? { ms, error } : { ms, value }, index - 1);
      return true;
    },
  };
  return attempt;
}

function whole(program: Program, status: 'infra' | 'crash', ms: number, error?: ProgramError): Verdict {
  const asserts = program.asserts.map((source) => ({ status, source }));
  return { status, asserts, ...(error === undefined ? {} : { error }), ms };
}

function sandboxError(error: unknown): ProgramError {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 300);
  return { type: 'SandboxError', message, lines: [] };
}

/** By status, of the whole and of each assert. */
function sameVerdict(a: Verdict, b: Verdict): boolean {
  return a.status === b.status && a.asserts.every((assert, i) => assert.status === b.asserts[i]?.status);
}
