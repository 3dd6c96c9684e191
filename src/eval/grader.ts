import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import { graderOf, type GradeCompletion } from './grade.ts';

export interface Grader {
  readonly sandbox: PythonSandbox;
  readonly grade: GradeCompletion;
  readonly close: () => Promise<void>;
}

/**
 * EvalPlus gives a program 4 GB; reference outputs of 20 MB and what it takes to make them fit into
 * less.
 */
const EVALUATION_HEAP = 768 * 1024 * 1024;

/**
 * A grader on sandboxes that `make` makes, `workers` programs at a time. For an evaluation programs
 * get more memory, and data sets' own solutions a sandbox of their own, which starts when one is
 * needed.
 */
export function openGraderOn(
  make: (options: {
    readonly workers: number;
    readonly maxHeap?: number | undefined;
  }) => PythonSandbox,
  options: { readonly workers: number; readonly evaluation?: boolean | undefined },
): Grader {
  const sandbox = make({
    workers: options.workers,
    maxHeap: options.evaluation === true ? EVALUATION_HEAP : undefined,
  });
  let references: PythonSandbox | null = null;
  const call: PythonSandbox['call'] = (...job) =>
    (references ??= make({ workers: 1, maxHeap: EVALUATION_HEAP })).call(...job);
  return {
    sandbox,
    grade: graderOf(sandbox, { call }),
    close: async () => {
      await sandbox.close();
      await references?.close();
    },
  };
}
