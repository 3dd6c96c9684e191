import type { Verdict } from '../schema/verdict.ts';
import { CallRunner, type CallProgram, type CallReport } from './calls.ts';
import { GuestHandle, type Transport } from './guest-handle.ts';
import { HARNESS, SPLITTER } from './guest-python.ts';
import { Judge, overallStatus } from './judge.ts';
import { Pool } from './pool.ts';
import preload from './preload.py';
import type { GuestBoot } from './protocol.ts';
import type { Program, Sandbox } from './sandbox.ts';
import { TrustedPython } from './trusted.ts';

/** What differs between browser and Node. */
export interface SandboxHost {
  /** A new restricted process or worker that waits for its boot message. */
  spawn(): Transport;
  /** Pyodide's files: see `GuestBoot`. */
  readonly files: Pick<GuestBoot, 'loader' | 'stdlib' | 'wasm' | 'abi'>;
  /** A memory image kept from an earlier session, if it is known to be of the same files and preload. */
  readonly image?: Uint8Array | undefined;
  keepImage?(image: Uint8Array): void;
  close?(): void;
}

export interface SandboxOptions {
  /** Programs at work at the same time; a warm spare comes on top. */
  readonly workers: number;
  /** Largest wasm heap in bytes. */
  readonly maxHeap?: number;
}

/** A sandbox with the trusted interpreter's other use. */
export interface PythonSandbox extends Sandbox {
  /** The longest span of whole lines of a completion that parses as Python; null when there is none. */
  longestParsable(text: string): Promise<string | null>;
  /** What EvalPlus' sanitiser keeps of a completion; null when nothing parses. */
  sanitize(text: string, entryPoint: string | null): Promise<string | null>;
  /**
   * Makes calls of a program's function and returns their values. A call that ran out of time, or that its guest died
   * under, is made once more in a fresh guest. Rejects when called off and when the sandbox itself fails.
   */
  runCalls(program: CallProgram, signal?: AbortSignal): Promise<CallReport>;
  /** The same for a data set's own solution, in a guest that never runs a program under test. */
  runReference(program: CallProgram, signal?: AbortSignal): Promise<CallReport>;
}

const MAX_HEAP = 192 * 1024 * 1024;

/**
 * Boots guests. The first boots cold and leaves a memory image; the others wait for it and boot from that, far sooner.
 */
export function guestBooter(host: SandboxHost, maxHeap = MAX_HEAP): (python: string) => Promise<GuestHandle> {
  let image = host.image;
  let first: Promise<unknown> | null = null;
  const bootOnce = async (python: string): Promise<GuestHandle> => {
    const start = image === undefined ? { makeImage: true } : { image };
    const booted = await GuestHandle.boot(host.spawn(), { ...host.files, preload, python, maxHeap, ...start });
    if (booted.image !== undefined) {
      image = booted.image;
      host.keepImage?.(image);
    }
    return booted.guest;
  };
  return async (python) => {
    if (image === undefined && first !== null) await first.catch(() => undefined);
    if (image !== undefined) {
      try {
        return await bootOnce(python);
      } catch {
        // A stale image must not cost the session: boot cold.
        image = undefined;
      }
    }
    const cold = bootOnce(python);
    first = cold;
    return cold;
  };
}

export function createPythonSandbox(host: SandboxHost, options: SandboxOptions): PythonSandbox {
  const bootGuest = guestBooter(host, options.maxHeap);
  const pool = new Pool(options.workers, () => bootGuest(HARNESS));
  const references = new Pool(1, () => bootGuest(HARNESS));
  const trusted = new TrustedPython(() => bootGuest(SPLITTER));

  /** One attempt; null when the guest died by the program's doing. */
  const attempt = async (program: Program, signal: AbortSignal | undefined): Promise<Verdict | null> => {
    const planned = (await trusted.plan(program.setup, program.asserts, program.helpers)).flat();
    const guest = await pool.acquire(signal);
    const begin = performance.now();
    const judge = new Judge(program, planned, trusted, guest);
    let timedOut = false;
    let done = false;
    const timer = setTimeout(() => {
      timedOut = true;
      guest.kill('the program ran out of time');
    }, program.timeoutSeconds * 1000);
    const abort = (): void => guest.kill('the program was called off');
    signal?.addEventListener('abort', abort, { once: true });
    const end = (): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      pool.release(guest);
    };
    try {
      await judge.run();
      const ms = performance.now() - begin;
      end();
      await judge.finish();
      return judge.verdict(overallStatus(judge.asserts), ms);
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (timedOut && !done) {
        await judge.finish();
        judge.fill('timeout');
        return judge.verdict('timeout', performance.now() - begin);
      }
      if (!guest.alive && !done) return null;
      throw error;
    } finally {
      end();
    }
  };

  const callsIn = async (from: Pool, program: CallProgram, signal: AbortSignal | undefined): Promise<CallReport> => {
    for (let tries = 1; ; tries++) {
      const guest = await from.acquire(signal);
      const begin = performance.now();
      const runner = new CallRunner(program, guest, tries > 1);
      const abort = (): void => guest.kill('the program was called off');
      signal?.addEventListener('abort', abort, { once: true });
      try {
        await runner.run();
        return runner.report(performance.now() - begin);
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        if (guest.alive) throw error;
        if (tries > 1) return runner.report(performance.now() - begin, runner.timedOut ? 'timeout' : 'crash');
      } finally {
        signal?.removeEventListener('abort', abort);
        from.release(guest);
      }
    }
  };

  const whole = (program: Program, status: 'infra' | 'crash', ms: number, error?: Verdict['error']): Verdict => ({
    status,
    asserts: program.asserts.map((source) => ({ status, source })),
    ...(error === undefined ? {} : { error }),
    ms,
  });

  return {
    async ready() {
      const guest = pool.acquire();
      await trusted.ready();
      pool.release(await guest);
    },

    async grade(program, signal) {
      const begin = performance.now();
      if (program.asserts.length === 0) {
        return whole(program, 'infra', 0, {
          type: 'SandboxError',
          message: 'There is no assert to judge by.',
          lines: [],
        });
      }
      try {
        // A second death under the same program, in a fresh guest, is the program's doing.
        const verdict = (await attempt(program, signal)) ?? (await attempt(program, signal));
        return verdict ?? whole(program, 'crash', performance.now() - begin);
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        const message = (error instanceof Error ? error.message : String(error)).slice(0, 300);
        return whole(program, 'infra', performance.now() - begin, { type: 'SandboxError', message, lines: [] });
      }
    },

    runCalls: (program, signal) => callsIn(pool, program, signal),
    runReference: (program, signal) => callsIn(references, program, signal),
    longestParsable: (text) => trusted.longestParsable(text),
    sanitize: (text, entryPoint) => trusted.sanitize(text, entryPoint),

    close() {
      pool.close();
      references.close();
      trusted.close();
      host.close?.();
      return Promise.resolve();
    },
  };
}
