import type { Problem } from '../data/problem.ts';
import type { Call, CallResult, CallsReport } from '../sandbox/calls.ts';
import { overallStatus } from '../sandbox/judge.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import { clip, render } from '../sandbox/render.ts';
import type { Handling } from '../sandbox/sandbox.ts';
import { toWire } from '../sandbox/value.ts';
import type { AssertVerdict, Verdict, VerdictStatus } from '../schema/verdict.ts';
import { Oracle } from './oracle.ts';
import type { ExpectedOutput, References } from './references.ts';

/** Least budget of an output, in parts and characters; else four times the expected one's. */
const NODES = 20_000;
const TEXT = 100_000;
/**
 * A call's limit: EvalPlus' rule, with a floor for an interpreter in WebAssembly on a shared
 * machine.
 */
const LEAST_SECONDS = 4;
const REFERENCE_FACTOR = 4;
/** A run's limit, as EvalPlus has it. */
const RUN_SECONDS = 60;

export interface DifferentialVerdict {
  readonly base: Verdict;
  /** Of the plus inputs alone. */
  readonly plus: Verdict;
}

/**
 * Judges a program by EvalPlus' inputs: one run over the base inputs and another over the plus
 * inputs, each output compared out here with what the reference returned. Unlike EvalPlus it goes
 * on after a wrong output; it stops where time runs out.
 */
export async function gradeDifferential(
  sandbox: Pick<PythonSandbox, 'call'>,
  references: References,
  problem: Problem,
  code: string,
  how: Handling,
): Promise<DifferentialVerdict> {
  const { entryPoint, differential: tests } = problem;
  if (tests === undefined || entryPoint === undefined)
    throw new Error(`${problem.id} has no inputs to run.`);
  const expected = await references.of(problem);
  const run = async (inputs: readonly ExpectedOutput[]): Promise<Verdict> => {
    const oracle = new Oracle(entryPoint, tests);
    const calls = inputs.map(({ args, nodes, text, seconds }): Call => ({
      function: entryPoint,
      args: args.map(toWire),
      nodes: Math.max(NODES, 4 * nodes),
      text: Math.max(TEXT, 4 * text),
      consume: oracle.consumes,
      seconds: Math.max(LEAST_SECONDS, REFERENCE_FACTOR * seconds),
    }));
    const timeoutSeconds = Math.max(
      RUN_SECONDS,
      REFERENCE_FACTOR * inputs.reduce((sum, input) => sum + input.seconds, 0),
    );
    const job = {
      solution: code,
      setup: problem.setup,
      setupAfterSolution: false,
      timeoutSeconds,
      calls,
    };
    return verdictOf(await sandbox.call(job, how), inputs, entryPoint, oracle);
  };
  return { base: await run(expected.base), plus: await run(expected.plus) };
}

function verdictOf(
  { results, ...end }: CallsReport,
  inputs: readonly ExpectedOutput[],
  entryPoint: string,
  oracle: Oracle,
): Verdict {
  const rest: VerdictStatus = end.status === 'done' ? 'infra' : end.status;
  const asserts = inputs.map((input, i): AssertVerdict => {
    const wanted = render(input.expected);
    const call = clip(`${entryPoint}(${input.args.map((arg) => render(arg)).join(', ')})`);
    const source = oracle.source(call, wanted);
    const result = results[i];
    return result === undefined
      ? { status: rest, source, expected: wanted }
      : judge(result, input, oracle, source, wanted);
  });
  const error = end.error ?? results.find((result) => 'error' in result)?.error;
  return {
    status: end.status === 'done' ? overallStatus(asserts) : end.status,
    asserts,
    ...(error === undefined ? {} : { error }),
    ...(end.stdout === undefined ? {} : { stdout: end.stdout }),
    ...(end.retried === undefined ? {} : { retried: end.retried }),
    ms: end.ms,
  };
}

function judge(
  result: CallResult,
  { args, expected }: ExpectedOutput,
  oracle: Oracle,
  source: string,
  wanted: string,
): AssertVerdict {
  const { ms } = result;
  if ('error' in result) return { status: 'error', source, expected: wanted, ms };
  // What passed is what was expected: a thousand inputs need not say it twice.
  if (oracle.accepts(result.value, expected, args)) return { status: 'pass', source, ms };
  return { status: 'fail', source, actual: render(result.value), expected: wanted, ms };
}
