import * as v from 'valibot';
import { parseValue, textOf, type Value, type WireValue } from './value.ts';
import type { GuestHandle } from './guest-handle.ts';

/** How one assert is judged; made by splitter.py. */
export type Plan =
  /** `call <operator> expected`, compared by `pythonEquals`. */
  | {
      readonly kind: 'compare';
      readonly call: string;
      readonly operator: '==' | '!=' | 'is' | 'is not';
      readonly expected: Value;
      /** Size of the expected value: parts, and characters of text. */
      readonly nodes: number;
      readonly text: number;
    }
  /** `assert call` or `assert not call`. */
  | { readonly kind: 'truth'; readonly call: string; readonly negate: boolean }
  /** Any other expression around calls: evaluated by the trusted interpreter with the calls' values filled in. */
  | { readonly kind: 'residual'; readonly calls: readonly string[]; readonly source: string; readonly shown: string }
  /** Cannot be split: runs inside, and never pays. */
  | { readonly kind: 'statement'; readonly why: string };

const WirePlan = v.variant('kind', [
  v.object({
    kind: v.literal('compare'),
    call: v.string(),
    operator: v.picklist(['==', '!=', 'is', 'is not']),
    expected: v.array(v.unknown()),
    nodes: v.number(),
  }),
  v.object({ kind: v.literal('truth'), call: v.string(), negate: v.boolean() }),
  v.object({ kind: v.literal('residual'), calls: v.array(v.string()), source: v.string(), shown: v.string() }),
  v.object({ kind: v.literal('statement'), why: v.string() }),
]);
const Plans = v.object({ plans: v.array(WirePlan) });
const ErrorInfo = v.object({ type: v.string(), message: v.string(), lines: v.array(v.number()) });
const Residual = v.object({
  ok: v.boolean(),
  /** Index of the call whose error made the rest impossible. */
  failed: v.optional(v.number()),
  error: v.optional(ErrorInfo),
  left: v.optional(v.array(v.unknown())),
  right: v.optional(v.array(v.unknown())),
});
export type Residual = v.InferOutput<typeof Residual>;
const Parsable = v.object({ code: v.nullable(v.string()) });

/** A data set's expression that takes longer than this is not an expected value. */
const LIMIT_MS = 10_000;
const CACHE = 20_000;

/** The interpreter was there and died over the request. */
class AskFailed extends Error {
  override readonly name = 'AskFailed';
}

/** The interpreter that reads asserts. It runs a data set's code, never a solution's. */
export class TrustedPython {
  private guest: Promise<GuestHandle> | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private readonly plans = new Map<string, Promise<Plan>>();
  private closed = false;

  constructor(private readonly bootGuest: () => Promise<GuestHandle>) {}

  async ready(): Promise<void> {
    await this.booted();
  }

  /** One plan per assert, cached by source and setup; what is being asked for already is not asked for again. */
  async plan(setup: string, asserts: readonly string[]): Promise<Plan[]> {
    const key = (source: string): string => `${setup}\u0000${source}`;
    if (this.plans.size > CACHE) this.plans.clear();
    const missing = [...new Set(asserts.filter((source) => !this.plans.has(key(source))))];
    if (missing.length > 0) {
      const asked = this.split(setup, missing);
      for (const [i, source] of missing.entries()) {
        const plan = asked.then((plans) => plans[i] as Plan);
        this.plans.set(key(source), plan);
        plan.catch(() => this.plans.delete(key(source)));
      }
    }
    return Promise.all(asserts.map((source) => this.plans.get(key(source)) as Promise<Plan>));
  }

  private async split(setup: string, asserts: readonly string[]): Promise<Plan[]> {
    const { plans } = v.parse(Plans, await this.ask({ type: 'plan', setup, asserts }));
    if (plans.length !== asserts.length) throw new Error('The assert splitter answered another number of plans.');
    return plans.map((plan) => (plan.kind === 'compare' ? comparison(plan) : plan));
  }

  /** Evaluates a residual; a null hole stands for a call that raised. */
  async residual(setup: string, source: string, holes: readonly (WireValue | null)[]): Promise<Residual> {
    try {
      return v.parse(Residual, await this.ask({ type: 'residual', setup, source, holes }));
    } catch (error) {
      // The program's value did this (the sum of a range of 10^12, say): its failure, not the sandbox's.
      if (!(error instanceof AskFailed)) throw error;
      return {
        ok: false,
        error: { type: 'ComparisonError', message: `The value could not be compared: ${error.message}.`, lines: [] },
      };
    }
  }

  /** The longest span of whole lines that parses as Python, spans with definitions first; null when there is none. */
  async longestParsable(text: string): Promise<string | null> {
    return v.parse(Parsable, await this.ask({ type: 'parsable', text: text.slice(0, 50_000) })).code;
  }

  close(): void {
    this.closed = true;
    void this.guest?.then(
      (guest) => guest.kill('the sandbox was closed'),
      () => undefined,
    );
  }

  private booted(): Promise<GuestHandle> {
    if (this.closed) return Promise.reject(new Error('The sandbox is closed.'));
    this.guest ??= this.bootGuest().catch((error: unknown) => {
      this.guest = null;
      throw error;
    });
    return this.guest;
  }

  private ask(request: object): Promise<unknown> {
    const answer = this.queue.then(async () => {
      const guest = await this.booted();
      const timer = setTimeout(() => guest.kill(`it took longer than ${LIMIT_MS / 1000} s`), LIMIT_MS);
      try {
        return JSON.parse((await guest.step(request)).text) as unknown;
      } catch (error) {
        guest.kill('it failed');
        this.guest = null;
        throw new AskFailed(error instanceof Error ? error.message : String(error));
      } finally {
        clearTimeout(timer);
      }
    });
    this.queue = answer.catch(() => undefined);
    return answer;
  }
}

function comparison(plan: v.InferOutput<typeof WirePlan> & { kind: 'compare' }): Plan {
  const expected = parseValue(plan.expected);
  return { ...plan, expected, text: textOf(expected) };
}
