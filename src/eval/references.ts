import type { Arguments, Problem } from '../data/problem.ts';
import type { CallReport } from '../sandbox/calls.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import { sizeOf, toWire, type Value } from '../sandbox/value.ts';
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
const REFERENCE_SECONDS = 240;
const REFERENCE_NODES = 10_000_000;
const REFERENCE_TEXT = 64_000_000;

/** Runs references in the sandbox (never next to a solution) and keeps what they returned last. */
export class References {
  private readonly kept = new Map<string, Promise<ExpectedOutputs>>();

  constructor(private readonly sandbox: PythonSandbox) {}

  /** Expected outputs of a problem with differential tests; rejects with a sentence when its reference fails. */
  of(problem: Problem, signal?: AbortSignal): Promise<ExpectedOutputs> {
    const found = this.kept.get(problem.id);
    const outputs = found ?? this.run(problem, signal);
    this.kept.delete(problem.id);
    this.kept.set(problem.id, outputs);
    outputs.catch(() => this.kept.delete(problem.id));
    for (const id of [...this.kept.keys()].slice(0, Math.max(0, this.kept.size - KEPT))) this.kept.delete(id);
    return outputs;
  }

  private async run(problem: Problem, signal: AbortSignal | undefined): Promise<ExpectedOutputs> {
    const tests = problem.differential;
    const { entryPoint } = problem;
    if (tests === undefined || entryPoint === undefined) throw new Error(`${problem.id} has no inputs to run.`);
    const oracle = new Oracle(entryPoint, tests);
    const outputs = async (inputs: readonly Arguments[]): Promise<ExpectedOutput[]> => {
      const limits = { nodes: REFERENCE_NODES, text: REFERENCE_TEXT, consume: false, seconds: REFERENCE_SECONDS };
      const calls = inputs.map((args) => ({ args: args.map(toWire), ...limits }));
      const program = { solution: problem.reference, setup: problem.setup, entryPoint, calls };
      const report = await this.sandbox.runReference(program, signal);
      return inputs.map((args, i) => {
        const { value, seconds } = reached(report, i, problem.id);
        const expected = oracle.expected(value);
        return { args, expected, ...sizeOf(expected), seconds };
      });
    };
    return { base: await outputs(tests.base), plus: await outputs(tests.plus) };
  }
}

function reached(report: CallReport, index: number, id: string): { value: Value; seconds: number } {
  const outcome = report.outcomes[index];
  if (outcome?.status === 'value') return { value: outcome.value, seconds: outcome.ms / 1000 };
  const error = outcome?.status === 'error' ? outcome.error : report.unloaded?.error;
  const why = error === undefined ? (outcome ?? report.unloaded)?.status : `${error.type}: ${error.message}`;
  throw new Error(`The reference solution of ${id} fails on its input ${index + 1} (${why ?? 'no answer'}).`);
}
