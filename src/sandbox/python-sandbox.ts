import type { ProgramError, Verdict } from '../schema/verdict.ts';
import { guestBooter, type BootOptions, type SandboxHost } from './booter.ts';
import { slowness } from './calibration.ts';
import { CallsAttempt, type Calls, type CallsReport } from './calls.ts';
import { execute, type Attempt, type Execution } from './execution.ts';
import type { GuestHandle } from './guest-handle.ts';
import { SPLITTER } from './guest-python.ts';
import { Judge, overallStatus } from './judge.ts';
import { Pool, type Demand, type PoolCounts } from './pool.ts';
import type { PrivatePath } from './protocol.ts';
import type { Handling, Program, Sandbox } from './sandbox.ts';
import { TrustedPython, type PlannedAssert } from './trusted.ts';

export interface SandboxOptions extends BootOptions {
  /** Programs at work at the same time; a warm spare comes on top. */
  readonly workers: number;
  /**
   * Share of passes on used guests that are run again on a fresh one (0.02). A difference renews
   * the pool.
   */
  readonly recheck?: number | undefined;
  /**
   * Told when a program got different verdicts on a used and on a fresh guest: something leaked
   * between programs.
   */
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
  /** Programs that ran out of time or kept others waiting, and were run again by themselves. */
  readonly retried: number;
  /** What limits are multiplied by on this machine, as measured last. */
  readonly scale: number;
  /**
   * The private paths that the last guest took, its boot in milliseconds, and the bytes of its
   * heap.
   */
  readonly paths: readonly PrivatePath[];
  readonly bootMs: number;
  readonly heap: number;
  /** Of the last guest's process, where there is one. */
  readonly pid?: number | undefined;
}

/** A sandbox with the trusted interpreter's other use. */
export interface PythonSandbox extends Sandbox {
  /**
   * The longest span of whole lines of a completion that parses as Python; null when there is none.
   */
  longestParsable(text: string): Promise<string | null>;
  /** What EvalPlus' sanitiser keeps of a completion; null when nothing parses. */
  sanitize(text: string, entryPoint: string | null): Promise<string | null>;
  /**
   * Makes calls of a program's functions for one who compares by rules of their own. Rejects only
   * when called off; a sandbox that fails by itself is `infra`.
   */
  call(job: Calls, how?: Handling): Promise<CallsReport>;
}

/** What `createPythonSandbox` makes. */
export interface PythonRunner extends PythonSandbox {
  stats(): SandboxStats;
}

/** One attempt: how it ended, and whether its guest had run nothing before. */
interface Ended<T> {
  readonly end: Execution['end'];
  readonly ms: number;
  readonly attempt: T;
  readonly fresh: boolean;
}

/**
 * How attempts are made: `asideMs`: see `Limits.aside`, before calibration; null for those who let
 * others wait.
 */
interface Manner extends Handling {
  readonly timeoutSeconds: number;
  readonly asideMs: number | null;
}

/** MBPP's references, but for one, take less than this for all their asserts together. */
const ASIDE_MS = 500;

export function createPythonSandbox(host: SandboxHost, options: SandboxOptions): PythonRunner {
  const { recheck = 0.02 } = options;
  const bootGuest = guestBooter(host, options);
  const pool = new Pool(options.workers, () => bootGuest());
  const stats = { rechecked: 0, differed: 0, retried: 0 };
  let scale: number | null = null;
  const trusted = new TrustedPython(
    () => bootGuest(SPLITTER),
    () => scale ?? 1,
  );
  let latest: GuestHandle | null = null;

  /** A guest for one program, the machine's speed measured on it where that is due. */
  const acquire = async (demand: Demand): Promise<GuestHandle> => {
    for (let tries = 1; ; tries++) {
      const guest = await pool.acquire(demand);
      latest = guest;
      if (demand.alone !== true && scale !== null) return guest;
      try {
        scale = (await slowness(guest)) ?? scale ?? 1;
        return guest;
      } catch (error) {
        // It died with its frame, say; no program has to do with it.
        pool.release(guest, Promise.resolve('it died while its speed was measured'));
        if (tries === 3) throw error;
      }
    }
  };

  /** One attempt on one guest. Rejects when called off, and when no guest can be had. */
  const once = async <T extends Attempt>(
    demand: Demand,
    { timeoutSeconds, asideMs }: Manner,
    make: (scale: number) => T,
  ): Promise<Ended<T>> => {
    const guest = await acquire(demand);
    const slow = scale ?? 1;
    const fresh = guest.programs === 0;
    let done: Promise<string | null> | undefined;
    try {
      const attempt = make(slow);
      const set = demand.alone !== true && asideMs !== null;
      const aside = set ? { afterMs: asideMs * slow, others: () => pool.contended } : undefined;
      const run = await execute(
        guest,
        attempt,
        { totalMs: timeoutSeconds * 1000 * slow, aside },
        demand.signal,
      );
      done = run.done;
      return { end: run.end, ms: run.ms, attempt, fresh };
    } finally {
      pool.release(guest, done, demand.fresh !== true && demand.alone !== true);
    }
  };

  /**
   * Runs a program, again where that is due: a death may be another program's doing and a timeout
   * the machine's, so each is tried once more, on a fresh guest, the timeout when nothing else
   * runs. The second time counts. A program that keeps others waiting is treated as if its time
   * were over.
   */
  const settled = async <T extends Attempt>(
    manner: Manner,
    make: (scale: number) => T,
  ): Promise<Ended<T> & { readonly retried: boolean }> => {
    const { caller, signal, fresh } = manner;
    let last = await once({ caller, signal, fresh }, manner, make);
    if (last.end === 'dead') last = await once({ caller, signal, fresh: true }, manner, make);
    const retried = last.end === 'timeout' || last.end === 'aside';
    if (retried) {
      stats.retried += 1;
      last = await once({ signal, alone: true }, manner, make);
    }
    return { ...last, retried };
  };

  const judged = async (
    program: Program,
    how: Handling,
    planned?: readonly (readonly PlannedAssert[])[],
  ): Promise<{ verdict: Verdict; fresh: boolean }> => {
    const tests = planned ?? (await trusted.plan(program.setup, program.asserts, program.helpers));
    const manner = { ...how, timeoutSeconds: program.timeoutSeconds, asideMs: ASIDE_MS };
    const make = (scale: number): Judge => new Judge(program, tests, trusted, scale);
    const { end, ms, attempt: judge, fresh, retried } = await settled(manner, make);
    if (end === 'dead') return { verdict: whole(program, 'crash', ms), fresh };
    await judge.finish();
    const again = end === 'answered' ? judge.insideOut() : null;
    if (again !== null) return judged(program, how, again);
    if (end !== 'answered') judge.fill('timeout');
    const verdict = judge.verdict(
      end === 'answered' ? overallStatus(judge.asserts) : 'timeout',
      ms,
    );
    return { verdict: retried ? { ...verdict, retried } : verdict, fresh };
  };

  const handling = (how: AbortSignal | Handling | undefined): Handling =>
    how instanceof AbortSignal ? { signal: how } : (how ?? {});

  return {
    async ready() {
      const guest = await acquire({});
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

    async call(job, how = {}) {
      const begin = performance.now();
      try {
        // Nobody's turn is cut short here: slow inputs are what some data sets are about.
        const patient = { ...how, timeoutSeconds: job.timeoutSeconds, asideMs: null };
        const { end, ms, attempt, retried } = await settled(
          patient,
          (scale) => new CallsAttempt(job, scale),
        );
        const report = attempt.report(
          end === 'answered' ? null : end === 'dead' ? 'crash' : 'timeout',
          ms,
        );
        return retried ? { ...report, retried } : report;
      } catch (error) {
        if (how.signal?.aborted === true) throw how.signal.reason;
        return {
          status: 'infra',
          results: [],
          error: sandboxError(error),
          ms: performance.now() - begin,
        };
      }
    },

    longestParsable: (text) => trusted.longestParsable(text),
    sanitize: (text, entryPoint) => trusted.sanitize(text, entryPoint),

    stats: () => ({
      ...pool.counts,
      ...stats,
      scale: scale ?? 1,
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

function whole(
  program: Program,
  status: 'infra' | 'crash',
  ms: number,
  error?: ProgramError,
): Verdict {
  const asserts = program.asserts.map((source) => ({ status, source }));
  return { status, asserts, ...(error === undefined ? {} : { error }), ms };
}

function sandboxError(error: unknown): ProgramError {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 300);
  return { type: 'SandboxError', message, lines: [] };
}

/** By status, of the whole and of each assert. */
function sameVerdict(a: Verdict, b: Verdict): boolean {
  return (
    a.status === b.status && a.asserts.every((assert, i) => assert.status === b.asserts[i]?.status)
  );
}
