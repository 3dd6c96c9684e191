import type { AssertVerdict, ProgramError, Verdict, VerdictStatus } from '../schema/verdict.ts';
import { pythonEquals, pythonIs } from './compare.ts';
import type { Step, StepReply } from './execution.ts';
import { clip, render, renderPair } from './render.ts';
import { outputText } from './reply.ts';
import type { Program } from './sandbox.ts';
import type { PlannedAssert, TrustedPython } from './trusted.ts';
import { decode, needsPython, parseValue, truth, type Value, type WireValue } from './value.ts';

/** Default budget of a value: parts, and characters of text. */
const MAX_NODES = 20_000;
const MAX_TEXT = 100_000;

/** The replies to one assert's steps, as they arrive. */
interface Heard {
  readonly replies: StepReply[];
  readonly values: (Value | null)[];
  ms: number;
}

/** Turns a program's asserts into steps for a guest, and the replies into a verdict, out here. */
export class Judge {
  readonly asserts: AssertVerdict[] = [];
  /** The load, then every assert's calls in order. */
  readonly steps: Step[];
  error: ProgramError | undefined;
  private readonly planned: readonly PlannedAssert[];
  private readonly owners: number[] = [];
  private readonly sentinels = new Map<number, string>();
  private heard: Heard = { replies: [], values: [], ms: 0 };
  private stdout: [string, number] | undefined;
  private stderr: [string, number] | undefined;
  private readonly deferred: (() => Promise<void>)[] = [];
  /** Of each assert, the test that it belongs to. */
  private readonly tests: readonly number[];
  /** Tests that ended before their last assert: a statement between two asserts raised. */
  private readonly ended = new Set<number>();
  /** Asserts that compare objects which only know among themselves what they equal. */
  private readonly undecided = new Set<number>();

  /**
   * `tests`: the single asserts of each of the program's tests. `scale` turns its seconds into this
   * machine's.
   */
  constructor(
    private readonly program: Program,
    tests: readonly (readonly PlannedAssert[])[],
    private readonly trusted: TrustedPython,
    scale: number,
  ) {
    const { setup, solution, setupAfterSolution } = program;
    this.steps = [{ request: { type: 'load', setup, solution, setupAfterSolution } }];
    this.planned = tests.flat();
    this.tests = tests.flatMap((asserts, i) => asserts.map(() => i));
    const limits = tests.flatMap((asserts, i) => asserts.map(() => program.assertSeconds?.[i]));
    for (const [i, plan] of this.planned.entries()) {
      const seconds = limits[i];
      const limit = seconds === undefined ? undefined : seconds * 1000 * scale;
      for (const step of this.stepsOf(plan, i, limit)) {
        this.owners.push(i);
        this.steps.push(step);
      }
    }
  }

  /** Takes the reply to step `index`; false for one that is not in the harness' form. */
  accept(reply: StepReply, ms: number, index: number): boolean {
    this.stdout = reply.stdout ?? this.stdout;
    this.stderr = reply.stderr ?? this.stderr;
    if (index === 0) {
      if (reply.ok === true) return true;
      this.note(reply.error);
      this.fill('error');
      return true;
    }
    const value = reply.value === undefined ? null : decode(reply.value);
    if (value === null && reply.value !== undefined) return false;
    this.heard.replies.push(reply);
    this.heard.values.push(value);
    this.heard.ms += ms;
    const owner = this.owners[index - 1] as number;
    if (this.owners[index] === owner) return true;
    const { heard } = this;
    this.heard = { replies: [], values: [], ms: 0 };
    const plan = this.planned[owner] as PlannedAssert;
    this.asserts.push({ ...this.judge(plan, owner, heard), ms: heard.ms });
    return true;
  }

  /** What the trusted interpreter still has to say, off the program's clock. */
  async finish(): Promise<void> {
    for (const judge of this.deferred) await judge();
  }

  /** Every assert without a verdict gets this one: what came to a halt there. */
  fill(status: VerdictStatus): void {
    for (const { source } of this.planned.slice(this.asserts.length))
      this.asserts.push({ status, source });
  }

  /**
   * The tests again, with asserts that could not be decided out here as statements beside the
   * program; null where there is none.
   */
  insideOut(): readonly (readonly PlannedAssert[])[] | null {
    if (this.undecided.size === 0) return null;
    const again = this.planned.map((plan, i): PlannedAssert => {
      if (!this.undecided.has(i) || plan.kind !== 'residual' || plan.inside === undefined)
        return plan;
      const { source, before, inside } = plan;
      return { kind: 'statement', why: 'it compares objects', source, before, run: inside };
    });
    const count = Math.max(...this.tests) + 1;
    return Array.from({ length: count }, (_, test) =>
      again.filter((__, i) => this.tests[i] === test),
    );
  }

  verdict(status: VerdictStatus, ms: number): Verdict {
    return {
      status,
      asserts: this.asserts.flatMap((assert, i) => {
        // What a test does after its last assert is worth a word only where it failed.
        if (this.planned[i]?.kind === 'run' && assert.status === 'pass') return [];
        const test = this.tests[i] as number;
        return [assert.source === this.program.asserts[test] ? assert : { ...assert, test }];
      }),
      ...(this.error === undefined ? {} : { error: this.error }),
      ...(this.stdout === undefined ? {} : { stdout: outputText(this.stdout) }),
      ...(this.stderr === undefined ? {} : { stderr: outputText(this.stderr) }),
      ms,
    };
  }

  private stepsOf(plan: PlannedAssert, index: number, limitMs: number | undefined): Step[] {
    const limited = (request: object): Step =>
      limitMs === undefined ? { request } : { request, limitMs };
    const { before } = plan;
    switch (plan.kind) {
      case 'compare': {
        const budget = {
          nodes: Math.max(MAX_NODES, 4 * plan.nodes),
          text: Math.max(MAX_TEXT, 4 * plan.text),
        };
        return [limited(callRequest([plan.call], before, budget))];
      }
      case 'truth':
        return [limited(callRequest([plan.call], before, { truth: true }))];
      case 'residual':
        return plan.holes.map((levels, i) =>
          limited(
            callRequest(levels, i === 0 ? before : '', {
              consume: true,
              truth: plan.truth !== undefined,
            }),
          ),
        );
      case 'statement': {
        const sentinel = crypto.randomUUID();
        this.sentinels.set(index, sentinel);
        return [limited({ type: 'statement', source: plan.run, before, sentinel })];
      }
      case 'run':
        return [limited({ type: 'run', before })];
      default:
        return plan satisfies never;
    }
  }

  private judge(plan: PlannedAssert, index: number, heard: Heard): AssertVerdict {
    const { source } = plan;
    const test = this.tests[index] as number;
    if (this.ended.has(test)) return { status: 'error', source, notRun: true };
    const { replies, values } = heard;
    const reply = replies[0] as StepReply;
    if (reply.before === true) {
      this.ended.add(test);
      return this.failed(reply, source, '');
    }
    const actual = values[0] ?? null;
    switch (plan.kind) {
      case 'compare': {
        const expected = render(plan.expected);
        if (actual === null) return this.failed(reply, source, expected);
        const { operator } = plan;
        if (actual.type !== 'unsupported' && (needsPython(actual) || needsPython(plan.expected)))
          return this.later(index, source, {
            rest: `__hole(0) ${operator} __hole(1)`,
            holes: [reply.value ?? null, plan.expectedWire],
            expected: operator === '!=' ? `anything but ${expected}` : expected,
          });
        const same = operator.startsWith('is')
          ? pythonIs(actual, plan.expected)
          : pythonEquals(actual, plan.expected);
        const negated = operator === '!=' || operator === 'is not';
        // A value that could not be looked at is right neither for == nor for !=; but it is not
        // None.
        const pass = same !== negated && (actual.type !== 'unsupported' || operator === 'is not');
        if (!negated && !pass)
          return { status: 'fail', source, ...renderPair(actual, plan.expected) };
        return {
          status: pass ? 'pass' : 'fail',
          source,
          actual: render(actual),
          expected: negated ? `anything but ${expected}` : expected,
        };
      }
      case 'truth': {
        const expected = plan.negate ? 'a false value' : 'a true value';
        if (actual === null) return this.failed(reply, source, expected);
        if (needsPython(actual))
          return this.later(index, source, {
            rest: plan.negate ? 'not __hole(0)' : '__hole(0)',
            holes: [reply.value ?? null],
            expected,
          });
        const pass = (actual.type === 'unsupported' ? reply.truth : truth(actual)) === !plan.negate;
        return { status: pass ? 'pass' : 'fail', source, actual: render(actual), expected };
      }
      case 'statement': {
        if (reply.sentinel === this.sentinels.get(index))
          return { status: 'pass', source, inProcess: true };
        if (reply.error?.type === 'AssertionError' && reply.error.lines.length === 0)
          return { status: 'fail', source, inProcess: true };
        return this.raised(reply.error, { source, inProcess: true });
      }
      case 'residual':
        return this.judgeRest(plan, index, heard);
      case 'run':
        return reply.ok === true ? { status: 'pass', source } : this.failed(reply, source, '');
      default:
        return plan satisfies never;
    }
  }

  private judgeRest(
    plan: PlannedAssert & { kind: 'residual' },
    index: number,
    { replies, values }: Heard,
  ): AssertVerdict {
    const { source } = plan;
    const strange = values.find((value) => value?.type === 'unsupported');
    const expected = clip(plan.shown);
    if (strange) {
      const truth = replies[0]?.truth;
      // A method of the program's own object answered, beside the program: true to Python, and no
      // reward.
      if (plan.truth !== undefined && truth !== undefined) {
        const pass = truth === (plan.truth === 'yes');
        return { status: pass ? 'pass' : 'fail', source, actual: render(strange), inProcess: true };
      }
      if (plan.inside !== undefined) this.undecided.add(index);
      return { status: 'fail', source, actual: render(strange), expected };
    }
    const holes = replies.map((reply): WireValue | null => reply.value ?? null);
    const levels = replies.map((reply) => reply.level ?? 0);
    const beside = levels.some((level) => level > 0) && plan.truth !== undefined;
    return this.later(index, source, {
      rest: plan.rest,
      context: plan.context,
      holes,
      levels,
      expected,
      failed: (at) => this.failed(replies[at] as StepReply, source, expected),
      inProcess: beside,
    });
  }

  /** Leaves an assert to the trusted interpreter, which is asked when the program is done. */
  private later(
    index: number,
    source: string,
    what: {
      readonly rest: string;
      readonly context?: string;
      readonly holes: readonly (WireValue | null)[];
      readonly levels?: readonly number[];
      readonly expected: string;
      /** The verdict where the call of this hole raised. */
      readonly failed?: (hole: number) => AssertVerdict;
      readonly inProcess?: boolean;
    },
  ): AssertVerdict {
    this.deferred.push(async () => {
      const { ms } = this.asserts[index] as AssertVerdict;
      const judged = await this.rest(source, what);
      this.asserts[index] = {
        ...judged,
        ...(ms === undefined ? {} : { ms }),
        ...(what.inProcess === true ? { inProcess: true } : {}),
      };
    });
    return { status: 'infra', source };
  }

  /** The trusted interpreter's verdict on what the calls returned. */
  private async rest(source: string, what: Parameters<Judge['later']>[2]): Promise<AssertVerdict> {
    const { holes, expected, context = '' } = what;
    const result = await this.trusted.residual(
      this.program.setup,
      { rest: what.rest, context },
      holes,
      what.levels,
    );
    if (result.failed !== undefined && what.failed) return what.failed(result.failed);
    if (result.error !== undefined) {
      return this.raised(result.error, { source, expected });
    }
    const values = holes.map((hole) => (hole === null ? 'an error' : render(parseValue(hole))));
    const status = result.ok ? 'pass' : 'fail';
    if (result.left === undefined || result.right === undefined)
      return { status, source, actual: clip(values.join(', ')), expected };
    return { status, source, ...renderPair(parseValue(result.left), parseValue(result.right)) };
  }

  private failed(reply: StepReply, source: string, expected: string): AssertVerdict {
    return this.raised(reply.error, { source, ...(expected === '' ? {} : { expected }) });
  }

  /** The program's error is its first one; an assert that raised another one keeps that. */
  private raised(
    error: ProgramError | undefined,
    more: Omit<AssertVerdict, 'status'>,
  ): AssertVerdict {
    const own = error && { ...error, message: error.message.slice(0, 300) };
    const first = this.error;
    this.note(own);
    const same =
      first === undefined ||
      own === undefined ||
      (first.type === own.type && first.message === own.message && equalLines(first, own));
    return { status: 'error', ...more, ...(same ? {} : { error: own }) };
  }

  private note(error: ProgramError | undefined): void {
    this.error ??= error && { ...error, message: error.message.slice(0, 300) };
  }
}

function equalLines(a: ProgramError, b: ProgramError): boolean {
  return a.lines.length === b.lines.length && a.lines.every((line, i) => line === b.lines[i]);
}

function callRequest(
  levels: readonly string[],
  before: string,
  how: { nodes?: number; text?: number; consume?: boolean; truth?: boolean },
): object {
  const { nodes = MAX_NODES, text = MAX_TEXT, consume = false, truth = false } = how;
  return { type: 'call', levels, before, nodes, text, consume, truth };
}

/** What CPython would have said at the first assert that does not pass. */
export function overallStatus(asserts: readonly AssertVerdict[]): VerdictStatus {
  return asserts.find((assert) => assert.status !== 'pass')?.status ?? 'pass';
}
