import * as v from 'valibot';
import { deferred, type Deferred } from '../lib/deferred.ts';
import type { GuestBoot, GuestRequest, PrivatePath } from './protocol.ts';

/**
 * One restricted process or worker, as its host sees it. Made by `src/sandbox/node` and
 * `src/sandbox/browser`.
 */
export interface Transport {
  post(message: GuestBoot | GuestRequest): void;
  kill(): void;
  onReply(listener: (reply: unknown) => void): void;
  /** Called when the other end has died; `outside`: ended by the system or with its frame. */
  onExit(listener: (why: string, outside: boolean) => void): void;
  /** Of the process, where there is one. */
  readonly pid?: number | undefined;
}

/** The guest is gone: killed from here, or dead by the program's doing. */
export class GuestLost extends Error {
  override readonly name = 'GuestLost';
  /** @param outside something that no request has to do with ended it. */
  constructor(
    message: string,
    readonly outside = false,
  ) {
    super(message);
  }
}

/** Generous: a cold boot takes 3 s of processor time, and machines are shared. */
const BOOT_LIMIT_MS = 180_000;

const Ready = v.object({
  type: v.literal('ready'),
  bootMs: v.number(),
  paths: v.array(v.picklist(['snapshot', 'restore', 'stackGuard'])),
  image: v.optional(v.instance(Uint8Array)),
});
const Failed = v.object({ type: v.literal('failed'), message: v.string() });
const BootReply = v.variant('type', [Ready, Failed]);
const RunReply = v.variant('type', [
  v.object({
    type: v.literal('reply'),
    id: v.string(),
    index: v.number(),
    text: v.string(),
    ms: v.number(),
  }),
  v.object({ type: v.literal('dead'), id: v.string(), message: v.string() }),
  v.object({
    type: v.literal('done'),
    id: v.string(),
    recycle: v.nullable(v.string()),
    heap: v.number(),
  }),
]);

/** The answer to one step: Python's text, and how long it took inside. */
export interface StepAnswer {
  readonly text: string;
  readonly ms: number;
}

/** A run in progress. Both promises reject with `GuestLost` when the guest dies under it. */
export interface GuestRun {
  /** The last answer is in. */
  readonly answered: Promise<void>;
  /** The guest can take the next run (null), or must be thrown away (why). */
  readonly done: Promise<string | null>;
}

interface Pending {
  readonly id: string;
  readonly each: (answer: StepAnswer, index: number) => void;
  readonly count: number;
  next: number;
  readonly answered: Deferred<void>;
  readonly done: Deferred<string | null>;
}

/** A booted guest. One run at a time; any unexpected message ends it. */
export class GuestHandle {
  /** Programs it has run. */
  programs = 0;
  /** Bytes of its wasm heap after the last run. */
  heap = 0;
  private lost: GuestLost | null = null;
  private pending: Pending | null = null;

  private constructor(
    private readonly transport: Transport,
    readonly paths: ReadonlySet<PrivatePath>,
    readonly bootMs: number,
  ) {}

  static boot(
    transport: Transport,
    boot: GuestBoot,
  ): Promise<{ guest: GuestHandle; image: Uint8Array | undefined }> {
    return new Promise((resolve, reject) => {
      let guest: GuestHandle | null = null;
      let failed = false;
      const fail = (why: string, outside = false): void => {
        if (guest !== null) return guest.kill(why, outside);
        failed = true;
        clearTimeout(timer);
        transport.kill();
        reject(new GuestLost(why, outside));
      };
      const limit = `it did not boot within ${BOOT_LIMIT_MS / 1000} s`;
      const timer = setTimeout(() => fail(limit), BOOT_LIMIT_MS);
      transport.onExit(fail);
      transport.onReply((message) => {
        if (guest !== null) return guest.receive(message);
        if (failed) return;
        const reply = v.safeParse(BootReply, message);
        if (!reply.success) return fail('it sent an unexpected message while booting');
        if (reply.output.type === 'failed') return fail(reply.output.message);
        clearTimeout(timer);
        const { paths, bootMs, image } = reply.output;
        guest = new GuestHandle(transport, new Set(paths), bootMs);
        resolve({ guest, image });
      });
      transport.post(boot);
    });
  }

  get alive(): boolean {
    return this.lost === null;
  }

  get pid(): number | undefined {
    return this.transport.pid;
  }

  /** Ends the guest; a run in flight rejects with `GuestLost`. */
  kill(why: string, outside = false): void {
    if (this.lost !== null) return;
    this.lost = new GuestLost(why, outside);
    this.transport.kill();
    const pending = this.pending;
    this.pending = null;
    pending?.answered.reject(this.lost);
    pending?.done.reject(this.lost);
  }

  /**
   * Python's `step` for each request in turn. `each` sees every answer as it arrives; after a first
   * step that failed none follows.
   */
  run(
    requests: readonly object[],
    restore: boolean,
    each: (answer: StepAnswer, index: number) => void,
    longest = Number.MAX_SAFE_INTEGER,
  ): GuestRun {
    const id = crypto.randomUUID();
    const [answered, done] = [deferred<void>(), deferred<string | null>()];
    if (this.lost !== null) {
      answered.reject(this.lost);
      done.reject(this.lost);
    } else {
      this.pending = { id, each, count: requests.length, next: 0, answered, done };
      this.transport.post({
        id,
        type: 'run',
        steps: requests.map((request) => JSON.stringify(request)),
        restore,
        longest,
      });
    }
    return { answered: answered.promise, done: done.promise };
  }

  /**
   * One step; the guest keeps its state unless it is to be set back. `recycle`: see
   * `GuestRun.done`. Rejects with `GuestLost` when it dies under it.
   */
  async step(
    request: object,
    restore = false,
  ): Promise<StepAnswer & { readonly recycle: string | null }> {
    let last: StepAnswer = { text: '', ms: 0 };
    const recycle = await this.run([request], restore, (answer) => void (last = answer)).done;
    return { ...last, recycle };
  }

  /** Back to the state after boot; says why the guest must be thrown away, or null. */
  restore(): Promise<string | null> {
    return this.run([], true, () => undefined).done;
  }

  private receive(message: unknown): void {
    const parsed = v.safeParse(RunReply, message);
    const pending = this.pending;
    if (pending === null || !parsed.success || parsed.output.id !== pending.id) {
      return this.kill('it sent a message nobody asked for');
    }
    const reply = parsed.output;
    switch (reply.type) {
      case 'reply':
        if (reply.index !== pending.next || reply.index >= pending.count)
          return this.kill('it answered out of turn');
        pending.next += 1;
        pending.each(reply, reply.index);
        if (pending.next === pending.count) pending.answered.resolve();
        break;
      case 'done':
        this.pending = null;
        this.heap = reply.heap;
        pending.answered.resolve();
        pending.done.resolve(reply.recycle);
        break;
      case 'dead':
        this.kill(`the interpreter died (${reply.message.slice(0, 300)})`);
        break;
      default:
        reply satisfies never;
    }
  }
}
