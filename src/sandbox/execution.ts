import * as v from 'valibot';
import { ProgramError } from '../schema/verdict.ts';
import type { GuestHandle, StepAnswer } from './guest-handle.ts';
import type { Call, Source } from './sandbox.ts';
import { parseValue, type Value } from './value.ts';

/** Default budget of a value: parts, and characters of text. */
export const MAX_NODES = 20_000;
export const MAX_TEXT = 100_000;
/** Characters of one answer: what the budgets allow, with room for a large expected value. */
const MAX_REPLY = 256_000_000;

const Output = v.tuple([v.pipe(v.string(), v.maxLength(4096)), v.number()]);
export const StepReply = v.object({
  ok: v.optional(v.boolean()),
  value: v.optional(v.array(v.unknown())),
  /** Of a value that is not plain data, where the assert asks for no more. */
  truth: v.optional(v.boolean()),
  error: v.optional(ProgramError),
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

export function loadStep({ setup, solution, setupAfterSolution }: Source): Step {
  return { request: { type: 'load', setup, solution, setupAfterSolution } };
}

export function callStep(
  what: Call['what'],
  how: { nodes?: number; text?: number; consume?: boolean; truth?: boolean },
  limitMs?: number,
): Step {
  const { nodes = MAX_NODES, text = MAX_TEXT, consume = false, truth = false } = how;
  const called = typeof what === 'string' ? { source: what } : what;
  const request = { type: 'call', ...called, nodes, text, consume, truth };
  return limitMs === undefined ? { request } : { request, limitMs };
}

/** Messages may be on their way when a limit is reached, or this side was busy: they are let in before anyone dies of it. */
const GRACE_MS = 20;

/** How a program's steps went on one guest. */
export interface Execution {
  /** `dead`: the guest died by the program's doing. */
  readonly end: 'answered' | 'timeout' | 'dead';
  readonly ms: number;
  /** Of the guest: see `GuestRun.done`. */
  readonly done: Promise<string | null>;
}

/**
 * Runs steps on a guest within limits. `accept` sees each reply as it arrives and returns false for one that is not in the
 * harness' form: the program has been at the harness, which is its own death. Rejects only when called off.
 */
export async function execute(
  guest: GuestHandle,
  steps: readonly Step[],
  totalMs: number,
  accept: (reply: StepReply, ms: number, index: number) => boolean,
  signal?: AbortSignal,
): Promise<Execution> {
  const begin = performance.now();
  let timedOut = false;
  let answers = 0;
  let over = false;
  /** Ends the program in `ms` unless it is over by then, or (given `index`) has gone on to another step. */
  const limit = (ms: number, index?: number): ReturnType<typeof setTimeout> => {
    const expire = (): void => {
      if (over || (index !== undefined && answers !== index)) return;
      timedOut = true;
      guest.kill('the program ran out of time');
    };
    return setTimeout(() => setTimeout(expire, GRACE_MS), ms);
  };
  const whole = limit(totalMs);
  let own: ReturnType<typeof setTimeout> | undefined;
  const watch = (index: number): void => {
    clearTimeout(own);
    const ms = steps[index]?.limitMs;
    if (ms !== undefined) own = limit(ms, index);
  };
  const abort = (): void => guest.kill('the program was called off');
  signal?.addEventListener('abort', abort, { once: true });
  const run = guest.run(
    steps.map((step) => step.request),
    true,
    (answer, index) => {
      answers = index + 1;
      watch(answers);
      const reply = readReply(answer);
      if (reply === null || !accept(reply, answer.ms, index)) guest.kill('its answer was not in the harness’ form');
    },
  );
  watch(0);
  try {
    await run.answered;
    return { end: 'answered', ms: performance.now() - begin, done: run.done };
  } catch {
    if (signal?.aborted === true) throw signal.reason;
    return { end: timedOut ? 'timeout' : 'dead', ms: performance.now() - begin, done: run.done };
  } finally {
    over = true;
    clearTimeout(whole);
    clearTimeout(own);
    signal?.removeEventListener('abort', abort);
  }
}

function readReply({ text }: StepAnswer): StepReply | null {
  if (text.length > MAX_REPLY) return null;
  try {
    const reply = v.safeParse(StepReply, JSON.parse(text));
    return reply.success ? reply.output : null;
  } catch {
    return null;
  }
}

/** What a program wrote: the first 4 kB, and how much there was. */
export function outputText([kept, total]: [string, number]): string {
  return total > 4096 ? `${kept}\n… ${total} bytes in all` : kept;
}

/** A wire value decoded; null for one that is not in the encoding. */
export function decode(wire: unknown): Value | null {
  try {
    return parseValue(wire);
  } catch {
    return null;
  }
}
