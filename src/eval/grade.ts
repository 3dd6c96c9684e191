import { allAsserts, type Problem } from '../data/problem.ts';
import { mapLimited } from '../lib/concurrency.ts';
import { messageOf } from '../lib/errors.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import type { Handling } from '../sandbox/sandbox.ts';
import { TextRefused } from '../sandbox/trusted.ts';
import type { AssertVerdict, ProgramError, Verdict, VerdictStatus } from '../schema/verdict.ts';
import type { Graded } from './context.ts';
import { gradeDifferential } from './differential.ts';
import type { CodeFormat } from '../data/prompts.ts';
import { findCode } from './extract.ts';
import { entryPointOf } from './protocol.ts';
import { References } from './references.ts';
import type { Sample } from './samples.ts';

export interface GradeOptions {
  readonly format: CodeFormat;
  /** The problem's own beginning of a program, which the completion may go on with. */
  readonly prefix?: string;
  /** Wall-clock limit of one program, in seconds. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
}

export type GradeCompletion = (
  problem: Problem,
  completion: string,
  options: GradeOptions,
) => Promise<Graded>;

/**
 * Extracts the program of a completion and judges it by all tests of the problem. Rejects only when
 * called off. References run in `referenceSandbox`, or in guests of the same sandbox that have run
 * nothing.
 */
export function graderOf(
  sandbox: PythonSandbox,
  referenceSandbox?: Pick<PythonSandbox, 'call'>,
): GradeCompletion {
  const references = new References(referenceSandbox ?? sandbox, {
    fresh: referenceSandbox === undefined,
  });
  return async (problem, completion, options) => {
    const how = options.signal ? { signal: options.signal } : {};
    const failed = (code: string | null, error: unknown): Graded => {
      if (options.signal?.aborted === true) throw options.signal.reason;
      return { code, verdict: infraVerdict(problem, error), ...parts(problem, 'infra', 'infra') };
    };
    let code: string | null;
    let refused: ProgramError | undefined;
    try {
      code = await findCode(completion, { ...options, entryPoint: entryPointOf(problem) }, sandbox);
    } catch (error) {
      if (!(error instanceof TextRefused)) return failed(null, error);
      code = null;
      refused = { type: error.name, message: error.message.slice(0, 300), lines: [] };
    }
    if (code === null) {
      const asserts = allAsserts(problem).map((source) => ({ status: 'no-code', source }) as const);
      return {
        code,
        verdict: { status: 'no-code', asserts, ...(refused && { error: refused }), ms: 0 },
        ...parts(problem, 'no-code', 'no-code'),
      };
    }
    if (problem.differential === undefined)
      return {
        code,
        verdict: await byAsserts(sandbox, problem, code, options.timeoutSeconds, how),
      };
    try {
      const { base, plus } = await gradeDifferential(sandbox, references, problem, code, how);
      const both = [base.status, plus.status].find((status) => status !== 'pass') ?? 'pass';
      return { code, verdict: together(base, plus, both), ...parts(problem, base.status, both) };
    } catch (error) {
      return failed(code, error);
    }
  };
}

function parts(problem: Problem, base: VerdictStatus, plus: VerdictStatus): Pick<Graded, 'parts'> {
  return problem.differential === undefined ? {} : { parts: { base, plus } };
}

function byAsserts(
  sandbox: PythonSandbox,
  problem: Problem,
  solution: string,
  timeoutSeconds: number,
  how: Handling,
): Promise<Verdict> {
  const { setup, setupAfterSolution, helpers } = problem;
  const program = {
    solution,
    setup,
    setupAfterSolution,
    asserts: allAsserts(problem),
    timeoutSeconds,
  };
  return sandbox.grade({ ...program, ...(helpers === undefined ? {} : { helpers }) }, how);
}

function together(base: Verdict, plus: Verdict, status: VerdictStatus): Verdict {
  const error = base.error ?? plus.error;
  const stdout = base.stdout ?? plus.stdout;
  return {
    status,
    asserts: [...base.asserts, ...plus.asserts],
    ...(error === undefined ? {} : { error }),
    ...(stdout === undefined ? {} : { stdout }),
    ms: base.ms + plus.ms,
  };
}

/**
 * The sandbox failed, or the data set's own solution did: nobody knows what the program is worth.
 */
function infraVerdict(problem: Problem, error: unknown): Verdict {
  return {
    status: 'infra',
    asserts: allAsserts(problem).map((source) => ({ status: 'infra', source })),
    error: { type: 'SandboxError', message: messageOf(error).slice(0, 300), lines: [] },
    ms: 0,
  };
}

/**
 * One line of `grade`'s results (DESIGN 6); `plus` is null where the data set has no further tests.
 */
export interface ResultLine {
  readonly task_id: string;
  readonly sample: number;
  readonly status: VerdictStatus;
  readonly base: VerdictStatus;
  readonly plus: VerdictStatus | null;
  readonly asserts: readonly Omit<AssertVerdict, 'ms'>[];
  readonly error?: ProgramError;
  readonly stdout?: string;
}

/**
 * A task id in two parts: `Mbpp/601` and `mbpp/601` are 601 of mbpp; `601` is of no set in
 * particular.
 */
export function taskParts(id: string | number): {
  readonly set: string | null;
  readonly key: string;
} {
  const [, set, key] = /^(mbpp|humaneval)\/(.*)$/is.exec(String(id)) ?? [];
  return { set: set?.toLowerCase() ?? null, key: key ?? String(id) };
}

/** A result line of one verdict: times left out, so that equal verdicts give equal files. */
export function resultLine(taskId: string, sample: number, { verdict, parts }: Graded): ResultLine {
  const { status, asserts, error, stdout } = verdict;
  return {
    task_id: taskId,
    sample,
    status,
    base: parts?.base ?? status,
    plus: parts?.plus ?? null,
    asserts: asserts.map(({ ms: _, ...rest }) => rest),
    ...(error === undefined ? {} : { error }),
    ...(stdout === undefined ? {} : { stdout }),
  };
}

/** What a result line is about. */
export interface JudgedSample {
  readonly problem: Problem;
  readonly text: string;
  readonly graded: Graded;
}

/**
 * Samples at work at a time: enough to keep every pool busy, few enough to hold their inputs in
 * memory.
 */
const AT_WORK = 4;

/** A sample with the problem it answers; `number` counts the samples of a problem from 0. */
export interface MatchedSample {
  readonly sample: Sample;
  readonly problem: Problem;
  readonly number: number;
  readonly text: string;
  readonly format: CodeFormat;
  readonly prefix?: string;
}

/**
 * Finds the problem of each sample, with or without its data set's prefix. Throws a sentence for a
 * task the data set does not have and for a sample with nothing to judge.
 */
export function matchSamples(
  problems: readonly Problem[],
  samples: readonly Sample[],
): MatchedSample[] {
  const byKey = new Map(problems.map((problem) => [taskParts(problem.id).key, problem]));
  const counts = new Map<string, number>();
  return samples.map((sample, index) => {
    const { set, key } = taskParts(sample.task_id);
    const problem = byKey.get(key);
    // HumanEval/11 is not MBPP's 11.
    if (problem === undefined || (set !== null && set !== (taskParts(problem.id).set ?? set))) {
      throw new Error(
        `Sample ${index + 1} answers task ${sample.task_id}, which the data set does not have.`,
      );
    }
    const number = counts.get(problem.id) ?? 0;
    counts.set(problem.id, number + 1);
    return { sample, problem, number, ...programOf(sample, problem, index) };
  });
}

/**
 * Judges samples, several at a time; the lines come back in the samples' order, and `onResult` sees
 * each as it is reached. Throws what `matchSamples` throws.
 */
export async function gradeSamples(
  problems: readonly Problem[],
  samples: readonly Sample[],
  grade: GradeCompletion,
  onResult: (
    line: ResultLine,
    done: number,
    total: number,
    index: number,
    judged: JudgedSample,
  ) => void = () => undefined,
  options: { readonly timeoutSeconds?: number; readonly signal?: AbortSignal } = {},
): Promise<ResultLine[]> {
  const jobs = matchSamples(problems, samples);
  let done = 0;
  return mapLimited(
    jobs,
    AT_WORK,
    async ({ sample, problem, text, number, format, prefix }, index) => {
      const graded = await grade(problem, text, {
        format,
        ...(prefix === undefined ? {} : { prefix }),
        timeoutSeconds: 10,
        ...options,
      });
      const line = resultLine(String(sample.task_id), number, graded);
      onResult(line, (done += 1), jobs.length, index, { problem, text, graded });
      return line;
    },
  );
}

/**
 * A `solution` is a program as it is; a `completion` is a model's reply, or goes on with the
 * problem's code.
 */
function programOf(
  sample: Sample,
  problem: Problem,
  index: number,
): { text: string; format: CodeFormat; prefix?: string } {
  if (sample.solution !== undefined) return { text: sample.solution, format: 'plain' };
  const { completion } = sample;
  if (completion === undefined)
    throw new Error(`Sample ${index + 1} has neither "solution" nor "completion".`);
  const { prompt } = problem;
  return {
    text: completion,
    format: 'fenced',
    ...(prompt === undefined ? {} : { prefix: prompt }),
  };
}
