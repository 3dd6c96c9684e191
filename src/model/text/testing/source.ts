import type { FileSource } from '../../weights/source.ts';

/** Files of a model from their contents: text as it is, anything else as JSON. */
export function textSource(contents: Readonly<Record<string, unknown>>): FileSource {
  const get = (path: string) => {
    const content = contents[path];
    if (content === undefined) return null;
    return new TextEncoder().encode(
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  };
  return {
    label: 'the model',
    read: (path) => Promise.resolve(get(path)),
    size: (path) => Promise.resolve(get(path)?.length ?? null),
    readRange: () => Promise.reject(new Error('not asked for')),
  };
}
