import { availableParallelism } from 'node:os';
import { openGraderOn, type Grader } from '../eval/grader.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import { poolSize } from '../sandbox/pool.ts';

/** The sandbox under Node: as many programs at a time as leave a core to the model, at most 4. */
export function openGrader(options: { readonly evaluation?: boolean } = {}): Grader {
  return openGraderOn(createNodeSandbox, {
    workers: poolSize(availableParallelism()),
    evaluation: options.evaluation,
  });
}
