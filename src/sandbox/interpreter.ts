import * as v from 'valibot';
import { GuestLost, type GuestHandle } from './guest-handle.ts';

/**
 * A request was not answered. `raised`: Python code raised, the interpreter lives. `died`: the
 * interpreter died or took too long over it. `ended`: something outside ended the interpreter (the
 * system, a lost frame), which says nothing of the request.
 */
export class AskFailed extends Error {
  override readonly name = 'AskFailed';
  constructor(
    message: string,
    readonly how: 'raised' | 'died' | 'ended',
  ) {
    super(message);
  }
}

/** What splitter.py answers where the request made it raise. */
const Failure = v.object({ failure: v.string() });

export interface InterpreterOptions {
  /** Wall time of a request, in milliseconds, as this machine needs it now. */
  readonly limitMs: () => number;
  /** Set the heap back after each request, so that every request meets the same interpreter. */
  readonly restores: boolean;
}

/** One interpreter that answers one request at a time, and is replaced when it dies. */
export class Interpreter {
  private guest: Promise<GuestHandle> | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly bootGuest: () => Promise<GuestHandle>,
    private readonly options: InterpreterOptions,
  ) {}

  booted(): Promise<GuestHandle> {
    if (this.closed) return Promise.reject(new Error('The sandbox is closed.'));
    this.guest ??= this.bootGuest().catch((error: unknown) => {
      this.guest = null;
      throw error;
    });
    return this.guest;
  }

  /** Rejects with AskFailed for what came of the request, with anything else where none was made. */
  ask(request: object): Promise<unknown> {
    const answer = this.queue.then(async () => {
      const guest = await this.booted();
      const value = await this.answer(guest, request);
      if (v.is(Failure, value)) throw new AskFailed(value.failure, 'raised');
      return value;
    });
    this.queue = answer.catch(() => undefined);
    return answer;
  }

  private async answer(guest: GuestHandle, request: object): Promise<unknown> {
    const limit = this.options.limitMs();
    const timer = setTimeout(() => guest.kill(`it took longer than ${limit / 1000} s`), limit);
    const restores = this.options.restores && guest.paths.has('restore');
    try {
      const { text, recycle } = await guest.step(request, restores);
      if (recycle !== null) this.drop(guest, recycle);
      return JSON.parse(text) as unknown;
    } catch (error) {
      this.drop(guest, 'it failed');
      if (this.closed) throw new Error('The sandbox is closed.', { cause: error });
      const outside = error instanceof GuestLost && error.outside;
      const message = error instanceof Error ? error.message : String(error);
      throw new AskFailed(message, outside ? 'ended' : 'died');
    } finally {
      clearTimeout(timer);
    }
  }

  private drop(guest: GuestHandle, why: string): void {
    guest.kill(why);
    this.guest = null;
  }

  close(): void {
    this.closed = true;
    void this.guest?.then(
      (guest) => guest.kill('the sandbox was closed'),
      () => undefined,
    );
  }
}
