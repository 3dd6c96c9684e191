import { createBrowserSandbox } from '../src/sandbox/browser/browser-sandbox.ts';
import { bundledPyodide } from '../src/sandbox/browser/bundled-pyodide.ts';
import type { PythonSandbox } from '../src/sandbox/python-sandbox.ts';
import type { Program } from '../src/sandbox/sandbox.ts';

let sandbox: Promise<PythonSandbox> | null = null;
onmessage = (event: MessageEvent<{ control?: MessagePort; id: number; program?: Program }>) => {
  const { control, id, program } = event.data;
  if (control)
    sandbox = bundledPyodide().then((files) =>
      createBrowserSandbox(control, files, { workers: 1 }),
    );
  if (!program || !sandbox) return;
  void sandbox
    .then((python) => python.grade(program))
    .then(
      (verdict) => postMessage({ id, verdict }),
      (error: unknown) => postMessage({ id, failure: String(error) }),
    );
};
