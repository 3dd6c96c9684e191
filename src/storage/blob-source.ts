import type { FileSource } from '../model/weights/source.ts';

/** Files that were chosen or dropped, as the files of one model. */
export function blobSource(
  label: string,
  files: readonly { readonly path: string; readonly file: Blob }[],
): FileSource {
  const byPath = new Map(files.map(({ path, file }) => [path, file]));
  return {
    label,
    async read(path) {
      const file = byPath.get(path);
      return file ? new Uint8Array(await file.arrayBuffer()) : null;
    },
    size: async (path) => byPath.get(path)?.size ?? null,
    async readRange(path, start, end) {
      const file = byPath.get(path);
      if (!file || file.size < end)
        throw new Error(`${path} of ${label} ends before byte ${end}; choose the files again.`);
      return new Uint8Array(await file.slice(start, end).arrayBuffer());
    },
  };
}
