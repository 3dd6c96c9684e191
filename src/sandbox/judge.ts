import * as v from 'valibot';
import { ProgramError, type AssertVerdict, type Verdict, type VerdictStatus } from '../schema/verdict.ts';
import { pythonEquals, pythonIs } from './compare.ts';
import type { GuestHandle } from './guest-handle.ts';
import { clip, render } from './render.ts';
import { Output, outputText, parseReply, tampered } from './reply.ts';
import type { Program } from './sandbox.ts';
import type { Plan, PlannedAssert, TrustedPython } from './trusted.ts';
import { parseValue, truth, type Value, type WireValue } from './value.ts';

const MAX_NODES = 20_000;
const MAX_TEXT = 100_000;

const StepReply = v.object({
  ok: v.optional(v.boolean()),
  value: v.optional(v.array(v.unknown())),
  /** Of a value that is not plain data, where the assert asks for no more. */
  truth: v.optional(v.boolean()),
  error: v.optional(ProgramError),
  sentinel: v.optional(v.string()),
  stdout: v.optional(Output),
  stderr: v.optional(Output),
});
type StepReply = v.InferOutput<typeof StepReply>;

/** Runs the program's steps on one guest and judges each answer out here. Throws `GuestLost` when the guest dies. */
export class Judge {
  readonly asserts: AssertVerdict[] = [];
  error: ProgramError | undefined;
  private stdout: [string, number] | undefined;
  private stderr: [string, number] | undefined;
  private readonly deferred: (() => Promise<void>)[] = [];

  constructor(
    private readonly program: Program,
    private readonly planned: readonly PlannedAssert[],
    private readonly trusted: TrustedPython,
    private readonly guest: GuestHandle,
  ) {}

  async run(): Promise<void> {
    const { setup, solution, setupAfterSolution } = this.program;
    const loaded = await this.step({ type: 'load', setup, solution, setupAfterSolution });
    if (loaded.ok !== true) {
      this.note(loaded.error);
      this.fill('error');
      return;
    }
    for (const [i, plan] of this.planned.entries()) {
      const { source } = plan;
      const begin = performance.now();
      if (plan.kind === 'residual') await this.collect(plan, source);
      else this.asserts.push(await this.judge(plan, source));
      this.asserts[i] = { ...(this.asserts[i] as AssertVerdict), ms: performance.now() - begin };
    }
  }

  /** What the trusted interpreter still has to say, off the program's clock. */
  async finish(): Promise<void> {
    for (const judge of this.deferred) await judge();
  }

  /** Every assert without a verdict gets this one: what came to a halt there. */
  fill(status: VerdictStatus): void {
    for (const { source } of this.planned.slice(this.asserts.length)) this.asserts.push({ status, source });
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

  private async judge(plan: Exclude<Plan, { kind: 'residual' }>, source: string): Promise<AssertVerdict> {
    switch (plan.kind) {
      case 'compare': {
        const reply = await this.call(plan.call, 4 * plan.nodes);
        const expected = render(plan.expected);
        if (reply.value === undefined) return this.failed(reply, source, expected);
        const actual = this.decode(reply.value);
        const { operator } = plan;
        const same = operator.startsWith('is') ? pythonIs(actual, plan.expected) : pythonEquals(actual, plan.expected);
        const negated = operator === '!=' || operator === 'is not';
        // A value that could not be looked at is right neither for == nor for !=; but it is not None.
        const pass = same !== negated && (actual.type !== 'unsupported' || operator === 'is not');
        return {
          status: pass ? 'pass' : 'fail',
          source,
          actual: render(actual),
          expected: negated ? `anything but ${expected}` : expected,
        };
      }
      case 'truth': {
        const reply = await this.call(plan.call, 0, { truth: true });
        const expected = plan.negate ? 'a false value' : 'a true value';
        if (reply.value === undefined) return this.failed(reply, source, expected);
        const actual = this.decode(reply.value);
        const pass = (actual.type === 'unsupported' ? reply.truth : truth(actual)) === !plan.negate;
        return { status: pass ? 'pass' : 'fail', source, actual: render(actual), expected };
      }
      case 'statement': {
        const sentinel = crypto.randomUUID();
        const reply = await this.step({ type: 'statement', source, sentinel });
        if (reply.sentinel === sentinel) return { status: 'pass', source, inProcess: true };
        if (reply.error?.type !== 'AssertionError') this.note(reply.error);
        const status = reply.error?.type === 'AssertionError' ? 'fail' : 'error';
        return { status, source, inProcess: true };
      }
      default:
        return plan satisfies never;
    }
  }

  /** Makes the calls of a residual and leaves its verdict to `finish`. */
  private async collect(plan: Plan & { kind: 'residual' }, source: string): Promise<void> {
    const index = this.asserts.length;
    const holes: (WireValue | null)[] = [];
    const replies: StepReply[] = [];
    for (const call of plan.calls) {
      const reply = await this.call(call, 0, { consume: true });
      const value = reply.value === undefined ? null : this.decode(reply.value);
      if (value?.type === 'unsupported') {
        this.asserts.push({ status: 'fail', source, actual: render(value), expected: clip(plan.shown) });
        return;
      }
      replies.push(reply);
      holes.push(value === null ? null : (reply.value as WireValue));
    }
    this.asserts.push({ status: 'infra', source });
    this.deferred.push(async () => {
      const { ms } = this.asserts[index] as AssertVerdict;
      this.asserts[index] = {
        ...(await this.residual(plan, source, holes, replies)),
        ...(ms === undefined ? {} : { ms }),
      };
    });
  }

  private async residual(
    plan: Plan & { kind: 'residual' },
    source: string,
    holes: readonly (WireValue | null)[],
    replies: readonly StepReply[],
  ): Promise<AssertVerdict> {
    const result = await this.trusted.residual(this.program.setup, plan, holes);
    if (result.failed !== undefined) return this.failed(replies[result.failed] as StepReply, source, clip(plan.shown));
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

  private call(source: string, nodes: number, how: { consume?: boolean; truth?: boolean } = {}): Promise<StepReply> {
    return this.step({
      type: 'call',
      source,
      nodes: Math.max(MAX_NODES, nodes),
      text: MAX_TEXT + 40 * nodes,
      consume: how.consume ?? false,
      truth: how.truth ?? false,
    });
  }

  private async step(request: object): Promise<StepReply> {
    const { text } = await this.guest.step(request);
    const reply = parseReply(StepReply, text) ?? tampered(this.guest);
    this.stdout = reply.stdout ?? this.stdout;
    this.stderr = reply.stderr ?? this.stderr;
    return reply;
  }

  private decode(wire: unknown): Value {
    try {
      return parseValue(wire);
    } catch {
      return tampered(this.guest);
    }
  }

  /** The program's error is its first one. */
  private note(error: ProgramError | undefined): void {
    this.error ??= error === undefined ? undefined : { ...error, message: error.message.slice(0, 300) };
  }
}

/** What CPython would have said at the first assert that does not pass. */
export function overallStatus(asserts: readonly AssertVerdict[]): VerdictStatus {
  return asserts.find((assert) => assert.status !== 'pass')?.status ?? 'pass';
}
