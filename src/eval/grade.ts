import { allAsserts, type Problem } from '../data/problem.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import type { AssertVerdict, ProgramError, VerdictStatus } from '../schema/verdict.ts';
import type { Graded } from './context.ts';
import { findCode, type CodeFormat } from './extract.ts';

export interface GradeOptions {
  readonly format: CodeFormat;
  /** Wall-clock limit of one program, in seconds. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
}

/** Extracts the program of a completion and judges it by all asserts of the problem. Rejects only when called off. */
export async function gradeCompletion(
  sandbox: PythonSandbox,
  problem: Problem,
  completion: string,
  options: GradeOptions,
): Promise<Graded> {
  let code: string | null = null;
  try {
    code = await findCode(completion, options.format, (text) => sandbox.longestParsable(text));
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 300);
    return {
      code,
      verdict: { status: 'infra', asserts: [], error: { type: 'SandboxError', message, lines: [] }, ms: 0 },
    };
  }
  const asserts = allAsserts(problem);
  if (code === null) {
    return {
      code,
      verdict: { status: 'no-code', asserts: asserts.map((source) => ({ status: 'no-code', source })), ms: 0 },
    };
  }
  const { setup, setupAfterSolution } = problem;
  const program = { solution: code, setup, setupAfterSolution, asserts, timeoutSeconds: options.timeoutSeconds };
  return { code, verdict: await sandbox.grade(program, options.signal) };
}

/** One line of a samples file: a program, or a completion to find one in. */
export interface Sample {
  readonly task_id: string | number;
  readonly solution?: string | undefined;
  readonly completion?: string | undefined;
}

/** One line of `grade`'s results (DESIGN 6); `plus` is null where the data set has no further tests. */
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

/** Task ids match with or without their data set's prefix: `601`, `Mbpp/601`, `mbpp/601`. */
export function taskKey(id: string | number): string {
  return String(id).replace(/^(?:mbpp|humaneval)\//i, '');
}

/** A result line of one verdict: times left out, so that equal verdicts give equal files. */
export function resultLine(taskId: string, sample: number, { verdict }: Graded): ResultLine {
  const { status, asserts, error, stdout } = verdict;
  return {
    task_id: taskId,
    sample,
    status,
    base: status,
    plus: null,
    asserts: asserts.map(({ ms: _, ...rest }) => rest),
    ...(error === undefined ? {} : { error }),
    ...(stdout === undefined ? {} : { stdout }),
  };
}

/**
 * Judges samples in the sandbox, several at a time; the lines come back in the samples' order, and `onResult` sees each
 * as it is reached. Throws a sentence for a task the data set does not have and for a sample with nothing to judge.
 */
export async function gradeSamples(
  problems: readonly Problem[],
  samples: readonly Sample[],
  sandbox: PythonSandbox,
  onResult: (line: ResultLine, done: number, total: number) => void = () => undefined,
  options: { readonly timeoutSeconds?: number; readonly signal?: AbortSignal } = {},
): Promise<ResultLine[]> {
  const byKey = new Map(problems.map((problem) => [taskKey(problem.id), problem]));
  const counts = new Map<string, number>();
  const jobs = samples.map((sample, index) => {
    const problem = byKey.get(taskKey(sample.task_id));
    if (problem === undefined) {
      throw new Error(`Sample ${index + 1} answers task ${sample.task_id}, which the data set does not have.`);
    }
    const text = sample.solution ?? sample.completion;
    if (text === undefined) throw new Error(`Sample ${index + 1} has neither "solution" nor "completion".`);
    const number = counts.get(problem.id) ?? 0;
    counts.set(problem.id, number + 1);
    return { sample, problem, text, number, format: sample.solution === undefined ? 'fenced' : 'plain' } as const;
  });
  let done = 0;
  return Promise.all(
    jobs.map(async ({ sample, problem, text, number, format }) => {
      const graded = await gradeCompletion(sandbox, problem, text, {
        format,
        timeoutSeconds: options.timeoutSeconds ?? 10,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      const line = resultLine(String(sample.task_id), number, graded);
      onResult(line, (done += 1), jobs.length);
      return line;
    }),
  );
}
