import type { Arguments, Problem } from '../data/problem.ts';
import type { Call, CallResult, CallsReport } from '../sandbox/calls.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import type { Handling } from '../sandbox/sandbox.ts';
import { nodesOf, textOf, toWire, type Value } from '../sandbox/value.ts';
import { Oracle } from './oracle.ts';

/** One input with what is expected for it. */
export interface ExpectedOutput {
  readonly args: Arguments;
  readonly expected: Value;
  readonly nodes: number;
  readonly text: number;
  /** Time the reference took, in seconds. */
  readonly seconds: number;
}

export interface ExpectedOutputs {
  readonly base: readonly ExpectedOutput[];
  readonly plus: readonly ExpectedOutput[];
}

/** Problems whose outputs are kept: samples of a task come together, and some outputs are 20 MB. */
const KEPT = 16;
/** A reference may be slow on a busy machine; nothing but the machine stops it earlier. */
const REFERENCE_SECONDS = 600;
/**
 * Outputs that are compared: all of HumanEval+, and all of MBPP+ but five of Mbpp/255's (6 to 128
 * million parts, the largest of which no 32-bit interpreter holds). An input whose output is larger
 * is left out, for everybody alike.
 */
const REFERENCE_NODES = 3_000_000;
const REFERENCE_TEXT = 64_000_000;

/**
 * Runs references in a sandbox of their own (never next to a solution) and keeps what they returned
 * last.
 */
export class References {
  private readonly kept = new Map<string, Promise<ExpectedOutputs>>();

  /** `how`: the way to guests that never run a solution. */
  constructor(
    private readonly sandbox: Pick<PythonSandbox, 'call'>,
    private readonly how: Handling,
  ) {}

  /**
   * Expected outputs of a problem with differential tests; rejects with a sentence when its
   * reference fails.
   */
  of(problem: Problem): Promise<ExpectedOutputs> {
    const outputs = this.kept.get(problem.id) ?? this.run(problem);
    this.kept.delete(problem.id);
    this.kept.set(problem.id, outputs);
    outputs.catch(() => this.kept.delete(problem.id));
    for (const id of [...this.kept.keys()].slice(0, Math.max(0, this.kept.size - KEPT)))
      this.kept.delete(id);
    return outputs;
  }

  private async run(problem: Problem): Promise<ExpectedOutputs> {
    const { differential: tests, entryPoint, reference, setup } = problem;
    if (tests === undefined || entryPoint === undefined)
      throw new Error(`${problem.id} has no inputs to run.`);
    const oracle = new Oracle(entryPoint, tests);
    const inputs = [...tests.base, ...tests.plus];
    const limits = { nodes: REFERENCE_NODES, text: REFERENCE_TEXT };
    const calls = inputs.map((args): Call => ({
      function: entryPoint,
      args: args.map(toWire),
      ...limits,
    }));
    const program = {
      solution: reference,
      setup,
      setupAfterSolution: false,
      timeoutSeconds: REFERENCE_SECONDS,
    };
    const report = await this.sandbox.call({ ...program, calls }, this.how);
    const outputs = inputs.map((args, i): ExpectedOutput | null => {
      const result = report.results[i];
      if (result === undefined) throw failure(problem.id, i, result, report);
      if (isTooLarge(result)) return null;
      if ('error' in result) throw failure(problem.id, i, result, report);
      // What three tasks return is only asked whether it is there.
      if (result.value.type === 'unsupported' && !oracle.takesObjects)
        throw failure(problem.id, i, result, report);
      const expected = oracle.expected(result.value);
      return {
        args,
        expected,
        nodes: nodesOf(expected),
        text: textOf(expected),
        seconds: result.ms / 1000,
      };
    });
    const known = (output: ExpectedOutput | null): output is ExpectedOutput => output !== null;
    const { length } = tests.base;
    return {
      base: outputs.slice(0, length).filter(known),
      plus: outputs.slice(length).filter(known),
    };
  }
}

function isTooLarge(result: CallResult): boolean {
  if ('error' in result) return result.error.type === 'MemoryError';
  return result.value.type === 'unsupported' && result.value.why.startsWith('more than ');
}

function failure(
  id: string,
  index: number,
  result: CallResult | undefined,
  report: CallsReport,
): Error {
  const error = result !== undefined && 'error' in result ? result.error : report.error;
  const value =
    result !== undefined && 'value' in result && result.value.type === 'unsupported'
      ? result.value
      : null;
  const why = value
    ? `${value.name}: ${value.why}`
    : error
      ? `${error.type}: ${error.message}`
      : report.status;
  return new Error(
    `The reference solution of ${id} gives nothing to compare with for input ${index + 1} (${why}).`,
  );
}
