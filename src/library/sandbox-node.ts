/**
 * Judges hostile Python against asserts, under Node: Pyodide in child processes under Node's
 * permission model.
 *
 * @example
 *
 * ```ts
 * import { createNodeSandbox } from 'afterthought/sandbox';
 *
 * const sandbox = createNodeSandbox({ workers: 1 });
 * const verdict = await sandbox.grade({
 *   solution: 'def f(x): return x + 1',
 *   asserts: ['assert f(1) == 2'],
 *   setup: '',
 *   setupAfterSolution: false,
 *   timeoutSeconds: 5,
 * });
 * await sandbox.close();
 * ```
 *
 * @module sandbox
 */
export { createNodeSandbox, type NodeSandboxOptions } from '../sandbox/node/node-sandbox.ts';
export type { PythonRunner, SandboxOptions } from '../sandbox/python-sandbox.ts';
export type { Handling, Program, Sandbox, Source } from '../sandbox/sandbox.ts';
export {
  Verdict,
  VerdictStatus,
  type AssertVerdict,
  type ProgramError,
} from '../schema/verdict.ts';
