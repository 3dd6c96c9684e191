/**
 * Makes one classic script of Pyodide's loader (pyodide.js) and its wasm glue (pyodide.asm.mjs, an
 * ES module): a worker in an opaque-origin frame can be classic only and may load nothing. The
 * script leaves `runLoader` on the global object, which defines `loadPyodide` and
 * `createPyodideModule` there. Written for the pinned Pyodide; throws when the files look
 * different.
 */
export function assembleLoader(pyodideJs: string, asmModule: string): string {
  const exported = 'export default _createPyodideModule;';
  const at = asmModule.lastIndexOf(exported);
  if (at < 0 || !pyodideJs.includes('globalThis.loadPyodide=')) {
    throw new Error(
      'The Pyodide files are not laid out as this version expects: pin pyodide to the version in package.json.',
    );
  }
  const glue = `${asmModule.slice(0, at)}globalThis.createPyodideModule = _createPyodideModule;`
    .replaceAll('import.meta.url', '"https://sandbox.invalid/pyodide.asm.mjs"')
    // No code in here may load a module, whatever Python asks of the glue.
    .replace(/\bimport\(/g, 'refuseImport(');
  const loader = pyodideJs
    .replace(/\bimport\(/g, 'refuseImport(')
    .replace(/\/\/# sourceMappingURL=.*/, '');
  return [
    'globalThis.refuseImport = async () => { throw new Error("modules cannot be loaded in the sandbox"); };',
    // Run by the guest, once it has made its surroundings look like a plain worker.
    `globalThis.runLoader = () => {\n(() => {"use strict";\n${glue}\n})();\n${loader}\n};`,
  ].join('\n');
}

/** The lock file's `info.abi_version` that this glue insists on. */
export function abiVersion(asmModule: string): string {
  const found = /API\.abiVersion="([^"]+)"/.exec(asmModule)?.[1];
  if (found === undefined)
    throw new Error(
      'The Pyodide files hold no ABI version: pin pyodide to the version in package.json.',
    );
  return found;
}
