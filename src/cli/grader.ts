import { availableParallelism } from 'node:os';
import { allAsserts, type Problem } from '../data/problem.ts';
import type { Graded } from '../eval/context.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';

export interface Grader {
  readonly grade: (problem: Problem, completion: string, timeoutSeconds: number) => Promise<Graded>;
  readonly close: () => Promise<void>;
}

/** The sandbox under Node, as many programs at a time as leave a core to the model, at most 4. */
export async function openGrader(): Promise<Grader> {
  const sandbox = createNodeSandbox({ workers: Math.max(1, Math.min(4, availableParallelism() - 1)) });
  return {
    grade: async (problem, completion, timeoutSeconds) => {
      const code = completion.trim() === '' ? null : completion;
      if (code === null) return { code, verdict: { status: 'no-code', asserts: [], ms: 0 } };
      const verdict = await sandbox.grade({
        solution: code,
        setup: problem.setup,
        setupAfterSolution: problem.setupAfterSolution,
        asserts: allAsserts(problem),
        timeoutSeconds,
      });
      return { code, verdict };
    },
    close: () => sandbox.close(),
  };
}
