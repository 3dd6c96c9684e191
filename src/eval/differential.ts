import type { Problem } from '../data/problem.ts';
import type { CallOutcome, CallReport } from '../sandbox/calls.ts';
import { overallStatus } from '../sandbox/judge.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import { clip, render } from '../sandbox/render.ts';
import { toWire } from '../sandbox/value.ts';
import type { AssertVerdict, Verdict, VerdictStatus } from '../schema/verdict.ts';
import { Oracle } from './oracle.ts';
import type { ExpectedOutput, References } from './references.ts';

/** Budget of an output: METHODS of the sandbox, 20,000 parts or four times the expected ones, and text likewise. */
const NODES = 20_000;
const TEXT = 100_000;
/** A call's limit: EvalPlus' rule, with a floor for an interpreter in WebAssembly on a shared machine. */
const LEAST_SECONDS = 4;
const REFERENCE_FACTOR = 4;

export interface DifferentialVerdict {
  readonly base: Verdict;
  /** Of the plus inputs alone. */
  readonly plus: Verdict;
}

/**
 * Judges a program by EvalPlus' inputs: a fresh interpreter for the base inputs and another for the plus inputs, each
 * output compared outside with what the reference returned. Unlike EvalPlus it goes on after a wrong output; it stops where
 * time runs out.
 */
export async function gradeDifferential(
  sandbox: PythonSandbox,
  references: References,
  problem: Problem,
  code: string,
  signal?: AbortSignal,
): Promise<DifferentialVerdict> {
  const { entryPoint, differential: tests } = problem;
  if (tests === undefined || entryPoint === undefined) throw new Error(`${problem.id} has no inputs to run.`);
  const expected = await references.of(problem, signal);
  const run = async (inputs: readonly ExpectedOutput[]): Promise<Verdict> => {
    const oracle = new Oracle(entryPoint, tests);
    const calls = inputs.map(({ args, nodes, text, seconds }) => ({
      args: args.map(toWire),
      nodes: Math.max(NODES, 4 * nodes),
      text: Math.max(TEXT, 4 * text),
      consume: oracle.consumes,
      seconds: Math.max(LEAST_SECONDS, REFERENCE_FACTOR * seconds),
    }));
    const report = await sandbox.runCalls({ solution: code, setup: problem.setup, entryPoint, calls }, signal);
    return verdictOf(report, inputs, entryPoint, oracle);
  };
  return { base: await run(expected.base), plus: await run(expected.plus) };
}

function verdictOf(report: CallReport, inputs: readonly ExpectedOutput[], entryPoint: string, oracle: Oracle): Verdict {
  const { unloaded } = report;
  const asserts = inputs.map((input, i): AssertVerdict => {
    const outcome = report.outcomes[i];
    const wanted = render(input.expected);
    const source = clip(
      oracle.source(clip(`${entryPoint}(${input.args.map((arg) => render(arg)).join(', ')})`), wanted),
      480,
    );
    if (outcome === undefined) return { status: unloaded?.status ?? 'infra', source };
    return judge(outcome, input, oracle, source, wanted);
  });
  const error = unloaded?.error ?? report.outcomes.find((outcome) => outcome.status === 'error')?.error;
  const status: VerdictStatus = unloaded?.status ?? overallStatus(asserts);
  return {
    status,
    asserts,
    ...(error === undefined ? {} : { error }),
    ...(report.stdout === undefined ? {} : { stdout: report.stdout }),
    ms: report.ms,
  };
}

function judge(
  outcome: CallOutcome,
  { args, expected }: ExpectedOutput,
  oracle: Oracle,
  source: string,
  wanted: string,
): AssertVerdict {
  switch (outcome.status) {
    case 'value': {
      const { value, ms } = outcome;
      // What passed is what was expected: a thousand inputs need not say it twice.
      if (oracle.accepts(value, expected, args)) return { status: 'pass', source, ms };
      return { status: 'fail', source, actual: render(value), expected: wanted, ms };
    }
    case 'error':
      return { status: 'error', source, expected: wanted, ms: outcome.ms };
    case 'timeout':
    case 'crash':
      return { status: outcome.status, source, expected: wanted };
    default:
      return outcome satisfies never;
  }
}
