import { availableParallelism } from 'node:os';
import { gradeCompletion } from '../eval/grade.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import { poolSize } from '../sandbox/pool.ts';
import type { RunPorts } from '../session/run-ports.ts';

export interface Grader {
  readonly sandbox: PythonSandbox;
  readonly grade: RunPorts['grade'];
  readonly close: () => Promise<void>;
}

/** The sandbox under Node: as many programs at a time as leave a core to the model, at most 4. */
export async function openGrader(): Promise<Grader> {
  const sandbox = createNodeSandbox({ workers: poolSize(availableParallelism()) });
  return {
    sandbox,
    grade: (problem, completion, options) => gradeCompletion(sandbox, problem, completion, options),
    close: () => sandbox.close(),
  };
}
