import * as v from 'valibot';
import type { GuestHandle } from './guest-handle.ts';
import { Output, parseReply, RaisedError, replyLimit } from './reply.ts';

export const StepReply = v.object({
  ok: v.optional(v.boolean()),
  value: v.optional(v.array(v.unknown())),
  /** Which of the call's levels the value is of. */
  level: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** It was a statement on the way to the assert that raised. */
  before: v.optional(v.literal(true)),
  /** Of a value that is not plain data, where the assert asks for no more. */
  truth: v.optional(v.boolean()),
  error: v.optional(RaisedError),
  sentinel: v.optional(v.string()),
  stdout: v.optional(Output),
  stderr: v.optional(Output),
});
export type StepReply = v.InferOutput<typeof StepReply>;

/** A request to the harness and its own limit. */
export interface Step {
  readonly request: object;
  readonly limitMs?: number;
}

/** One attempt at a program: its steps, and who takes the replies as they arrive. */
export interface Attempt {
  readonly steps: readonly Step[];
  /**
   * False for a reply that is not in the harness' form: the program has been at the harness, which
   * is its own death.
   */
  accept(reply: StepReply, ms: number, index: number): boolean;
}

export interface Limits {
  /** Of the whole program. */
  readonly totalMs: number;
  /** A step that is not answered for so long is set aside where `others` wait. */
  readonly aside?: { readonly afterMs: number; readonly others: () => boolean } | undefined;
}

/**
 * Messages may be on their way when a limit is reached, or this side was busy: they are let in
 * before anyone dies of it.
 */
const GRACE_MS = 20;

/** How often a program that does not answer is looked at. */
const LOOK_MS = 100;

/** How a program's steps went on one guest. */
export interface Execution {
  /** `aside`: it kept others waiting; `dead`: the guest died by the program's doing. */
  readonly end: 'answered' | 'timeout' | 'aside' | 'dead';
  readonly ms: number;
  /** Of the guest: see `GuestRun.done`. */
  readonly done: Promise<string | null>;
}

/** Runs a program's steps on a guest within limits. Rejects only when called off. */
export async function execute(
  guest: GuestHandle,
  attempt: Attempt,
  limits: Limits,
  signal?: AbortSignal,
): Promise<Execution> {
  const begin = performance.now();
  let end: 'timeout' | 'aside' | null = null;
  let answers = 0;
  let answeredAt = begin;
  let over = false;
  const stop = (why: 'timeout' | 'aside'): void => {
    end = why;
    guest.kill(
      why === 'timeout' ? 'the program ran out of time' : 'the program kept others waiting',
    );
  };
  /**
   * Ends the program in `ms` unless it is over by then, or (given `index`) has gone on to another
   * step.
   */
  const limit = (ms: number, index?: number): ReturnType<typeof setTimeout> => {
    const expire = (): void => {
      if (!over && (index === undefined || answers === index)) stop('timeout');
    };
    return setTimeout(() => setTimeout(expire, GRACE_MS), ms);
  };
  const whole = limit(limits.totalMs);
  const { aside } = limits;
  const look =
    aside &&
    setInterval(() => {
      if (performance.now() - answeredAt > aside.afterMs && aside.others()) stop('aside');
    }, LOOK_MS);
  let own: ReturnType<typeof setTimeout> | undefined;
  const watch = (index: number): void => {
    clearTimeout(own);
    const ms = attempt.steps[index]?.limitMs;
    if (ms !== undefined) own = limit(ms, index);
  };
  const abort = (): void => guest.kill('the program was called off');
  signal?.addEventListener('abort', abort, { once: true });
  const longest = attempt.steps.map(({ request }) => replyLimit(request));
  const run = guest.run(
    attempt.steps.map((step) => step.request),
    true,
    (answer, index) => {
      answers = index + 1;
      answeredAt = performance.now();
      watch(answers);
      const reply = parseReply(StepReply, answer.text, longest[index] ?? 0);
      if (reply === undefined || !attempt.accept(reply, answer.ms, index))
        guest.kill('its answer was not in the harness’ form');
    },
    Math.max(...longest),
  );
  watch(0);
  try {
    await run.answered;
    return { end: 'answered', ms: performance.now() - begin, done: run.done };
  } catch {
    if (signal?.aborted === true) throw signal.reason;
    return { end: end ?? 'dead', ms: performance.now() - begin, done: run.done };
  } finally {
    over = true;
    clearTimeout(whole);
    clearTimeout(own);
    clearInterval(look);
    signal?.removeEventListener('abort', abort);
  }
}
