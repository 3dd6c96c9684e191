/**
 * Makes one classic script of Pyodide's loader (pyodide.js) and its wasm glue (pyodide.asm.js): a
 * worker in an opaque-origin frame may load nothing. The script leaves `runLoader` on the global
 * object, which defines `loadPyodide` there. Written for the pinned Pyodide; throws when the files
 * look different.
 */
export function assembleLoader(pyodideJs: string, asmModule: string): string {
  const exported = 'globalThis._createPyodideModule = _createPyodideModule;';
  if (!asmModule.includes(exported) || !pyodideJs.includes('globalThis.loadPyodide=')) {
    throw new Error(
      'The Pyodide files are not laid out as this version expects: pin pyodide to the version in package.json.',
    );
  }
  // No code in here may load a module, whatever Python asks of the glue.
  const glue = asmModule.replace(/\bimport\(/g, 'refuseImport(');
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
