import type { AssertVerdict, ProgramError, Verdict, VerdictStatus } from '../schema/verdict.ts';
import { pythonEquals, pythonIs } from './compare.ts';
import type { Step, StepReply } from './execution.ts';
import { clip, render } from './render.ts';
import { outputText } from './reply.ts';
import type { Program } from './sandbox.ts';
import type { Plan, PlannedAssert, TrustedPython } from './trusted.ts';
import { decode, parseValue, truth, type Value, type WireValue } from './value.ts';

/** Default budget of a value: parts, and characters of text. */
const MAX_NODES = 20_000;
const MAX_TEXT = 100_000;

/** What an assert's calls came to so far. */
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
    this.asserts.push({
      ...this.judge(this.planned[owner] as PlannedAssert, owner, heard),
      ms: heard.ms,
    });
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

  verdict(status: VerdictStatus, ms: number): Verdict {
    return {
      status,
      asserts: this.asserts,
      ...(this.error === undefined ? {} : { error: this.error }),
      ...(this.stdout === undefined ? {} : { stdout: outputText(this.stdout) }),
      ...(this.stderr === undefined ? {} : { stderr: outputText(this.stderr) }),
      ms,
    };
  }

  private stepsOf(plan: PlannedAssert, index: number, limitMs: number | undefined): Step[] {
    switch (plan.kind) {
      case 'compare': {
        const budget = {
          nodes: Math.max(MAX_NODES, 4 * plan.nodes),
          text: Math.max(MAX_TEXT, 4 * plan.text),
        };
        return [callStep(plan.call, budget, limitMs)];
      }
      case 'truth':
        return [callStep(plan.call, { truth: true }, limitMs)];
      case 'residual':
        return plan.calls.map((call) => callStep(call, { consume: true }, limitMs));
      case 'statement': {
        const sentinel = crypto.randomUUID();
        this.sentinels.set(index, sentinel);
        const request = { type: 'statement', source: plan.source, sentinel };
        return [limitMs === undefined ? { request } : { request, limitMs }];
      }
      default:
        return plan satisfies never;
    }
  }

  private judge(plan: PlannedAssert, index: number, { replies, values }: Heard): AssertVerdict {
    const { source } = plan;
    const reply = replies[0] as StepReply;
    const actual = values[0] ?? null;
    switch (plan.kind) {
      case 'compare': {
        const expected = render(plan.expected);
        if (actual === null) return this.failed(reply, source, expected);
        const { operator } = plan;
        const same = operator.startsWith('is')
          ? pythonIs(actual, plan.expected)
          : pythonEquals(actual, plan.expected);
        const negated = operator === '!=' || operator === 'is not';
        // A value that could not be looked at is right neither for == nor for !=; but it is not
        // None.
        const pass = same !== negated && (actual.type !== 'unsupported' || operator === 'is not');
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
        const pass = (actual.type === 'unsupported' ? reply.truth : truth(actual)) === !plan.negate;
        return { status: pass ? 'pass' : 'fail', source, actual: render(actual), expected };
      }
      case 'statement': {
        if (reply.sentinel === this.sentinels.get(index))
          return { status: 'pass', source, inProcess: true };
        if (reply.error?.type !== 'AssertionError') this.note(reply.error);
        const status = reply.error?.type === 'AssertionError' ? 'fail' : 'error';
        return { status, source, inProcess: true };
      }
      case 'residual': {
        const strange = values.find((value) => value?.type === 'unsupported');
        if (strange)
          return { status: 'fail', source, actual: render(strange), expected: clip(plan.shown) };
        this.deferred.push(async () => {
          const { ms } = this.asserts[index] as AssertVerdict;
          const judged = await this.residual(plan, source, replies);
          this.asserts[index] = ms === undefined ? judged : { ...judged, ms };
        });
        return { status: 'infra', source };
      }
      default:
        return plan satisfies never;
    }
  }

  /** The trusted interpreter's verdict on what the calls returned. */
  private async residual(
    plan: Plan & { kind: 'residual' },
    source: string,
    replies: readonly StepReply[],
  ): Promise<AssertVerdict> {
    const holes = replies.map((reply): WireValue | null => reply.value ?? null);
    const result = await this.trusted.residual(this.program.setup, plan, holes);
    if (result.failed !== undefined)
      return this.failed(replies[result.failed] as StepReply, source, clip(plan.shown));
    if (result.error !== undefined) {
      this.note(result.error);
      return { status: 'error', source, expected: clip(plan.shown) };
    }
    const values = holes.map((hole) => (hole === null ? 'an error' : render(parseValue(hole))));
    const both = result.left !== undefined && result.right !== undefined;
    return {
      status: result.ok ? 'pass' : 'fail',
      source,
      actual: both ? render(parseValue(result.left)) : clip(values.join(', ')),
      expected: both ? render(parseValue(result.right)) : clip(plan.shown),
    };
  }

  private failed(reply: StepReply, source: string, expected: string): AssertVerdict {
    this.note(reply.error);
    return { status: 'error', source, expected };
  }

  /** The program's error is its first one. */
  private note(error: ProgramError | undefined): void {
    this.error ??=
      error === undefined ? undefined : { ...error, message: error.message.slice(0, 300) };
  }
}

function callStep(
  source: string,
  how: { nodes?: number; text?: number; consume?: boolean; truth?: boolean },
  limitMs: number | undefined,
): Step {
  const { nodes = MAX_NODES, text = MAX_TEXT, consume = false, truth = false } = how;
  const request = { type: 'call', source, nodes, text, consume, truth };
  return limitMs === undefined ? { request } : { request, limitMs };
}

/** What CPython would have said at the first assert that does not pass. */
export function overallStatus(asserts: readonly AssertVerdict[]): VerdictStatus {
  return asserts.find((assert) => assert.status !== 'pass')?.status ?? 'pass';
}
