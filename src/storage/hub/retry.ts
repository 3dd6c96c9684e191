import { formatSeconds } from '../../lib/format.ts';

/** What depends on time and chance, so that tests need neither. */
export interface Clock {
  /** Rejects with the signal's reason when it is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
  /** ms since 1970. */
  now(): number;
}

export const systemClock: Clock = {
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      }, ms);
      signal.addEventListener('abort', abort, { once: true });
    }),
  random: Math.random,
  now: Date.now,
};

/** A fault that may pass: a cut connection, a busy server. The sentence has no full stop. */
export class PassingFault extends Error {
  override readonly name = 'PassingFault';
  constructor(
    message: string,
    /** As the server asks for; null: it does not. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }
}

/**
 * Tries in a row that bring no byte before a fault is final: with the waits below, about three
 * minutes.
 */
export const TRIES = 8;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** A server that asks for more is believed, and the sentence says when to come back. */
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;

/** Waits between the tries of one piece of work. */
export class Retries {
  private failures = 0;

  constructor(
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
    private readonly onWait: (sentence: string) => void,
  ) {}

  /** Something came: the count starts again. */
  progress(): void {
    this.failures = 0;
  }

  /**
   * Resolves when it is time for the next try; throws when there is none. The wait doubles from 1 s
   * to 60 s, of which a random half is left out, so that those who were cut off together do not
   * come back together.
   */
  async after(fault: PassingFault): Promise<void> {
    this.failures++;
    if (this.failures >= TRIES) {
      throw new Error(
        `${fault.message}; ${TRIES} tries in a row brought nothing. What has come is kept: ` +
          'start the same download again later.',
        { cause: fault },
      );
    }
    const wait = fault.retryAfterMs ?? backoffMs(this.failures, this.clock.random());
    if (wait > LONGEST_RETRY_AFTER_MS) {
      throw new Error(
        `${fault.message} and asks to wait for ${formatSeconds(wait / 1000)}. What has come is ` +
          'kept: start the same download again then.',
        { cause: fault },
      );
    }
    this.onWait(`${fault.message}; the next try is in ${formatSeconds(wait / 1000)}.`);
    await this.clock.wait(wait, this.signal);
  }

  /** Runs `action` until it succeeds or fails for good. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof PassingFault)) throw error;
        await this.after(error);
      }
    }
  }
}

/** @param failures so far, from 1 */
export function backoffMs(failures: number, random: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1)) * (0.5 + random / 2);
}

/** A Retry-After header, in seconds or as a date, in ms; null when there is none. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null) return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds) && header.trim() !== '') return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
