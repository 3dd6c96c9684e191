import { availableParallelism } from 'node:os';
import { graderOf, type GradeCompletion } from '../eval/grade.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';

export interface Grader {
  readonly sandbox: PythonSandbox;
  readonly grade: GradeCompletion;
  readonly close: () => Promise<void>;
}

/** The sandbox under Node: as many programs at a time as leave a core to the model, at most 4. */
export async function openGrader(): Promise<Grader> {
  const sandbox = createNodeSandbox({ workers: Math.max(1, Math.min(4, availableParallelism() - 1)) });
  return {
    sandbox,
    grade: graderOf(sandbox),
    close: () => sandbox.close(),
  };
}
