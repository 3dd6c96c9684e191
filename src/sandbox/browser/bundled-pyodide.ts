import stdlibUrl from 'pyodide/python_stdlib.zip?url';
import wasmUrl from 'pyodide/pyodide.asm.wasm?url';
import { fetchBytes, type PyodideFiles } from './browser-sandbox.ts';

/** Pyodide's files as the page's build has them. */
export async function bundledPyodide(): Promise<PyodideFiles> {
  const [loader, glue, wasm, stdlib] = await Promise.all([
    import('pyodide/pyodide.js?raw').then((module) => module.default),
    import('pyodide/pyodide.asm.js?raw').then((module) => module.default),
    fetchBytes(wasmUrl),
    fetchBytes(stdlibUrl),
  ]);
  return { loader, glue, wasm, stdlib };
}
