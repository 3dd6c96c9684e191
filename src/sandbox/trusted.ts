import * as v from 'valibot';
import { messageOf } from '../lib/errors.ts';
import { nodesOf, parseValue, textOf, type Value, type WireValue } from './value.ts';
import type { GuestHandle } from './guest-handle.ts';
import { AskFailed, Interpreter } from './interpreter.ts';

/** One assert of a test as it is judged; made by splitter.py. */
export type PlannedAssert = {
  readonly source: string;
  /** What the test does on its way to the assert: statements for the guest, '' for none. */
  readonly before: string;
} & Plan;

/** How one assert is judged. */
export type Plan =
  /** `call <operator> expected`, compared by `pythonEquals` where both are plain. */
  | {
      readonly kind: 'compare';
      readonly call: string;
      readonly operator: '==' | '!=' | 'is' | 'is not';
      readonly expected: Value;
      readonly expectedWire: WireValue;
      /** Size of the expected value: parts, and characters of text. */
      readonly nodes: number;
      readonly text: number;
    }
  /** `assert call` or `assert not call`. */
  | { readonly kind: 'truth'; readonly call: string; readonly negate: boolean }
  /**
   * Any other expression around calls: evaluated by the trusted interpreter with the calls' values
   * filled in.
   */
  | {
      readonly kind: 'residual';
      /**
       * What only the guest can make, each with the expressions around it that it may have to make
       * too: `naturals()`, `next(_h)`.
       */
      readonly holes: readonly (readonly string[])[];
      readonly rest: string;
      readonly shown: string;
      /** The test's own helpers that the rest calls, as code. */
      readonly context: string;
      /** The assert is the hole itself (`yes`) or `not` of it. */
      readonly truth?: 'yes' | 'not' | undefined;
      /** The whole assert as a statement, for values that have to be compared where they are. */
      readonly inside?: string | undefined;
    }
  /** Cannot be split: runs inside, and never pays. */
  | { readonly kind: 'statement'; readonly why: string; readonly run: string }
  /** No assert: what the test does after its last one. */
  | { readonly kind: 'run' };

const common = { source: v.string(), before: v.optional(v.string(), '') };
const WirePlan = v.variant('kind', [
  v.object({
    ...common,
    kind: v.literal('compare'),
    call: v.string(),
    operator: v.picklist(['==', '!=', 'is', 'is not']),
    expected: v.array(v.unknown()),
  }),
  v.object({ ...common, kind: v.literal('truth'), call: v.string(), negate: v.boolean() }),
  v.object({
    ...common,
    kind: v.literal('residual'),
    holes: v.array(v.array(v.string())),
    rest: v.string(),
    shown: v.string(),
    context: v.string(),
    truth: v.optional(v.picklist(['yes', 'not'])),
    inside: v.optional(v.string()),
  }),
  v.object({ ...common, kind: v.literal('statement'), why: v.string(), run: v.string() }),
  v.object({ ...common, kind: v.literal('run') }),
]);
const Plans = v.object({ plans: v.array(v.array(WirePlan)) });
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
const Found = v.object({
  code: v.nullable(v.string()),
  /** Why not all of the text was looked at, where no program was found. */
  refused: v.optional(v.nullable(v.string()), null),
});

/** A data set's expression that takes longer than this is not an expected value. */
const TEST_LIMIT_MS = 10_000;
/** For what the budgets of reader.py miss, and for what an assert does with a program's value. */
const HOSTILE_LIMIT_MS = 5_000;
/** How often an interpreter that was ended from outside is started anew for one request. */
const ENDED_TRIES = 3;
const CACHE = 20_000;
/** Characters of a completion that are looked at. */
const MAX_SOURCE = 50_000;

/**
 * The text of a completion went beyond a budget, or killed the interpreter that looked for a program
 * in it twice: the text's fault, so it counts as a program that failed. The message is a sentence
 * that names the limit.
 */
export class TextRefused extends Error {
  override readonly name = 'TextRefused';
}

/**
 * The interpreters that read asserts and texts. They run a data set's code, never a solution's. What
 * a model wrote, a completion or a program's values, goes to an interpreter of its own: it can kill
 * that one and nothing that others wait for.
 */
export class TrustedPython {
  private readonly plans = new Map<string, Promise<readonly PlannedAssert[]>>();
  private readonly tests: Interpreter;
  private readonly hostile: Interpreter;

  /** @param scale how much slower than the reference machine this one is now. */
  constructor(bootGuest: () => Promise<GuestHandle>, scale: () => number = () => 1) {
    const limit = (ms: number) => () => ms * scale();
    this.tests = new Interpreter(bootGuest, { limitMs: limit(TEST_LIMIT_MS), restores: false });
    this.hostile = new Interpreter(bootGuest, { limitMs: limit(HOSTILE_LIMIT_MS), restores: true });
  }

  async ready(): Promise<void> {
    await this.tests.booted();
  }

  /**
   * The single asserts that each test comes down to, cached; what is being asked for is not asked
   * for again. `helpers` is code of the data set that tests call (HumanEval defines some in its
   * prompts); it runs here only.
   */
  async plan(
    setup: string,
    asserts: readonly string[],
    helpers = '',
  ): Promise<(readonly PlannedAssert[])[]> {
    const key = (source: string): string => [setup, helpers, source].join('\u0000');
    if (this.plans.size > CACHE) this.plans.clear();
    const missing = [...new Set(asserts.filter((source) => !this.plans.has(key(source))))];
    if (missing.length > 0) {
      const asked = this.split(setup, helpers, missing);
      for (const [i, source] of missing.entries()) {
        const plans = asked.then((found) => found[i] as readonly PlannedAssert[]);
        this.plans.set(key(source), plans);
        plans.catch(() => this.plans.delete(key(source)));
      }
    }
    return Promise.all(
      asserts.map((source) => this.plans.get(key(source)) as Promise<readonly PlannedAssert[]>),
    );
  }

  private async split(
    setup: string,
    helpers: string,
    asserts: readonly string[],
  ): Promise<PlannedAssert[][]> {
    const request = { type: 'plan', setup, helpers, asserts };
    // Once may have been the machine.
    const answer = await this.tests.ask(request).catch((error: unknown) => {
      if (!(error instanceof AskFailed)) throw error;
      return this.tests.ask(request);
    });
    const { plans } = v.parse(Plans, answer);
    if (plans.length !== asserts.length)
      throw new Error('The assert splitter answered another number of plans.');
    return plans.map((parts) =>
      parts.map((plan) => (plan.kind === 'compare' ? comparison(plan) : plan)),
    );
  }

  /**
   * Evaluates a residual; a null hole stands for a call that raised. `levels`: the level of each hole
   * that its value is of.
   */
  async residual(
    setup: string,
    { rest, context }: { readonly rest: string; readonly context: string },
    holes: readonly (WireValue | null)[],
    levels?: readonly number[],
  ): Promise<Residual> {
    const request = { type: 'residual', setup, context, rest, levels };
    try {
      const control = { ...request, holes: holes.map(() => null) };
      return v.parse(Residual, await this.charged({ ...request, holes }, control));
    } catch (error) {
      // The program's value did this (the sum of a range of 10^12, say): its failure, not the
      // sandbox's.
      if (!(error instanceof AskFailed)) throw error;
      return {
        ok: false,
        error: {
          type: 'ComparisonError',
          message: `The value could not be compared: ${error.message}.`,
          lines: [],
        },
      };
    }
  }

  /**
   * The longest span of whole lines that parses as Python, spans with definitions first; null when
   * there is none. Rejects with TextRefused where a budget kept it from looking at all of the text.
   */
  longestParsable(text: string): Promise<string | null> {
    return this.found('parsable', text, null);
  }

  /**
   * What EvalPlus' sanitiser keeps of a completion: its longest span that parses, reduced to
   * imports and what the entry point reaches (everything it can keep, without one); null when
   * nothing parses. Rejects with TextRefused where a budget kept it from looking at all of the text.
   */
  sanitize(text: string, entryPoint: string | null): Promise<string | null> {
    return this.found('sanitize', text, entryPoint);
  }

  private async found(
    type: 'parsable' | 'sanitize',
    text: string,
    entryPoint: string | null,
  ): Promise<string | null> {
    const request = { type, text: text.slice(0, MAX_SOURCE), entryPoint };
    let answer: unknown;
    try {
      answer = await this.charged(request, { ...request, text: 'x = 1\ny = 2' });
    } catch (error) {
      if (!(error instanceof AskFailed)) throw error;
      throw new TextRefused(
        `No program could be looked for in this text: Python's parser did not survive it, twice ` +
          `(${error.message}).`,
        { cause: error },
      );
    }
    const { code, refused } = v.parse(Found, answer);
    if (refused !== null) throw new TextRefused(refused);
    if (code === null && text.length > MAX_SOURCE)
      throw new TextRefused(
        `No program is in the first ${MAX_SOURCE} characters of this text, which has ` +
          `${text.length}, and no others are looked at.`,
      );
    return code;
  }

  /**
   * Asks what depends on a model's text or values. Rejects with AskFailed only where these are to
   * blame: two interpreters failed over the request and then one answers `control`, which is the same
   * without them. Anything else is the fault of the machine or of the data set.
   */
  private async charged(request: object, control: object): Promise<unknown> {
    let failures = 0;
    let ended = 0;
    for (;;) {
      try {
        return await this.hostile.ask(request);
      } catch (error) {
        if (!(error instanceof AskFailed)) throw error;
        if (error.how === 'ended') ended += 1;
        // What Python raised it would raise again.
        else failures += error.how === 'raised' ? 2 : 1;
        if (ended === ENDED_TRIES) throw infra(error);
        if (failures < 2) continue;
        await this.hostile.ask(control).catch((other: unknown) => {
          throw infra(other);
        });
        throw error;
      }
    }
  }

  close(): void {
    this.tests.close();
    this.hostile.close();
  }
}

/** Not AskFailed, so that nobody takes it for the program's fault. */
function infra(error: unknown): Error {
  return new Error(
    `The fault is the machine's or the data set's, not the program's: ${messageOf(error)}`,
    { cause: error },
  );
}

function comparison(plan: v.InferOutput<typeof WirePlan> & { kind: 'compare' }): PlannedAssert {
  const expected = parseValue(plan.expected);
  return {
    ...plan,
    expected,
    expectedWire: plan.expected,
    nodes: nodesOf(expected),
    text: textOf(expected),
  };
}
