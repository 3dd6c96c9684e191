import type { CodeFormat } from '../src/data/prompts.ts';
import type { Problem } from '../src/data/problem.ts';
import { graderOf } from '../src/eval/grade.ts';
import { createBrowserSandbox } from '../src/sandbox/browser/browser-sandbox.ts';
import { bundledPyodide } from '../src/sandbox/browser/bundled-pyodide.ts';
import type { PythonSandbox } from '../src/sandbox/python-sandbox.ts';
import type { Program } from '../src/sandbox/sandbox.ts';

interface Request {
  readonly id: number;
  readonly control?: MessagePort;
  /** To be judged as it is. */
  readonly program?: Program;
  /** To be searched for a program, which is judged by `PROBLEM`. */
  readonly completion?: string;
  readonly format?: CodeFormat;
}

const PROBLEM: Problem = {
  id: 'p/1',
  text: '',
  setup: '',
  setupAfterSolution: false,
  shown: ['assert f(3) == 4'],
  hidden: [],
  reference: '',
};

let sandbox: Promise<PythonSandbox> | null = null;
onmessage = (event: MessageEvent<Request>) => {
  const { control, id, program, completion, format = 'fenced' } = event.data;
  if (control)
    sandbox = bundledPyodide().then((files) =>
      createBrowserSandbox(control, files, { workers: 1 }),
    );
  if (!sandbox || (!program && completion === undefined)) return;
  void sandbox
    .then(async (python) =>
      program
        ? python.grade(program)
        : (await graderOf(python)(PROBLEM, completion ?? '', { format, timeoutSeconds: 20 }))
            .verdict,
    )
    .then(
      (verdict) => postMessage({ id, verdict }),
      (error: unknown) => postMessage({ id, failure: String(error) }),
    );
};
