import * as v from 'valibot';
import type { GuestHandle } from './guest-handle.ts';

/** The interpreter was there and died, or took too long, over the request. */
export class AskFailed extends Error {
  override readonly name = 'AskFailed';
}

/** What splitter.py answers where the request made it raise. */
const Failure = v.object({ failure: v.string() });

/** One interpreter that answers one request at a time, and is replaced when a request kills it. */
export class Interpreter {
  private guest: Promise<GuestHandle> | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  /** @param limitMs wall time of a request. */
  constructor(
    private readonly bootGuest: () => Promise<GuestHandle>,
    private readonly limitMs: number,
  ) {}

  booted(): Promise<GuestHandle> {
    if (this.closed) return Promise.reject(new Error('The sandbox is closed.'));
    this.guest ??= this.bootGuest().catch((error: unknown) => {
      this.guest = null;
      throw error;
    });
    return this.guest;
  }

  /** Rejects with AskFailed where the request is to blame, with anything else where it is not. */
  ask(request: object): Promise<unknown> {
    const answer = this.queue.then(async () => {
      const guest = await this.booted();
      const timer = setTimeout(
        () => guest.kill(`it took longer than ${this.limitMs / 1000} s`),
        this.limitMs,
      );
      let value: unknown;
      try {
        value = JSON.parse((await guest.step(request)).text) as unknown;
      } catch (error) {
        guest.kill('it failed');
        this.guest = null;
        if (this.closed) throw new Error('The sandbox is closed.', { cause: error });
        throw new AskFailed(error instanceof Error ? error.message : String(error));
      } finally {
        clearTimeout(timer);
      }
      if (v.is(Failure, value)) throw new AskFailed(value.failure);
      return value;
    });
    this.queue = answer.catch(() => undefined);
    return answer;
  }

  close(): void {
    this.closed = true;
    void this.guest?.then(
      (guest) => guest.kill('the sandbox was closed'),
      () => undefined,
    );
  }
}
