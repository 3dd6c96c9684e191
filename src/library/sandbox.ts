/**
 * Judges hostile Python against asserts, in a browser: Pyodide in workers of an opaque-origin frame.
 * Expected values never enter the interpreter that runs a program.
 *
 * @example
 *
 * ```ts
 * import { createBrowserSandbox, fetchPyodide, openSandboxFrame } from 'afterthought/sandbox';
 *
 * // The files of the `pyodide` package, served by you.
 * const files = await fetchPyodide('/pyodide/');
 * const sandbox = await createBrowserSandbox(openSandboxFrame(), files, { workers: 1 });
 * const verdict = await sandbox.grade({
 *   solution: 'def f(x): return x + 1',
 *   asserts: ['assert f(1) == 2'],
 *   setup: '',
 *   setupAfterSolution: false,
 *   timeoutSeconds: 5,
 * });
 * ```
 *
 * @module sandbox
 */
export {
  createBrowserSandbox,
  fetchPyodide,
  type PyodideFiles,
} from '../sandbox/browser/browser-sandbox.ts';
export { openSandboxFrame } from '../sandbox/browser/frame.ts';
export type { PythonRunner, SandboxOptions } from '../sandbox/python-sandbox.ts';
export type { Handling, Program, Sandbox, Source } from '../sandbox/sandbox.ts';
export {
  Verdict,
  VerdictStatus,
  type AssertVerdict,
  type ProgramError,
} from '../schema/verdict.ts';
