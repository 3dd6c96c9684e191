import { availableParallelism } from 'node:os';
import { graderOf, type GradeCompletion } from '../eval/grade.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import { poolSize } from '../sandbox/pool.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';

export interface Grader {
  readonly sandbox: PythonSandbox;
  readonly grade: GradeCompletion;
  readonly close: () => Promise<void>;
}

/** EvalPlus gives a program 4 GB; reference outputs of 20 MB and what it takes to make them fit into less. */
const EVALUATION_HEAP = 768 * 1024 * 1024;

/**
 * The sandbox under Node: as many programs at a time as leave a core to the model, at most 4. For an evaluation programs
 * get more memory, and data sets' own solutions a sandbox of their own, which starts when one is needed.
 */
export async function openGrader(options: { readonly evaluation?: boolean } = {}): Promise<Grader> {
  const maxHeap = options.evaluation === true ? EVALUATION_HEAP : undefined;
  const sandbox = createNodeSandbox({ workers: poolSize(availableParallelism()), maxHeap });
  let references: PythonSandbox | null = null;
  const call: PythonSandbox['call'] = (...job) =>
    (references ??= createNodeSandbox({ workers: 1, maxHeap: EVALUATION_HEAP })).call(...job);
  return {
    sandbox,
    grade: graderOf(sandbox, { call }),
    close: async () => {
      await sandbox.close();
      await references?.close();
    },
  };
}
