// Rings of imports: files that import each other in a circle, types and dynamic imports included.
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const SPECIFIER = /(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^'?]+)(?:\?[^']*)?'/g;

/** File to the files of `files` that its text imports, by relative specifiers. */
export function importGraph(files, read = (file) => readFileSync(file, 'utf8')) {
  const known = new Set(files);
  return new Map(
    files.map((file) => [
      file,
      [...read(file).matchAll(SPECIFIER)]
        .map(([, path]) => normalize(join(dirname(file), path)).replaceAll('\\', '/'))
        .filter((path) => known.has(path)),
    ]),
  );
}

/** The same graph between groups of files; what a group imports from itself is left out. */
export function groupGraph(graph, groupOf) {
  const groups = new Map();
  for (const [file, imports] of graph) {
    const from = groupOf(file);
    if (from === null) continue;
    const held = groups.get(from) ?? new Set();
    groups.set(from, held);
    for (const path of imports) {
      const to = groupOf(path);
      if (to !== null && to !== from) held.add(to);
    }
  }
  return new Map([...groups].map(([group, imports]) => [group, [...imports]]));
}

/** One shortest ring through each node that lies on one, each ring once, as a path. */
export function ringsOf(graph) {
  const rings = new Map();
  for (const start of graph.keys()) {
    const before = new Map([[start, null]]);
    const queue = [start];
    for (const node of queue) {
      const next = graph.get(node) ?? [];
      if (next.includes(start)) {
        const path = [];
        for (let at = node; at !== null; at = before.get(at)) path.unshift(at);
        const key = [...path].sort().join(' ');
        if (!rings.has(key)) rings.set(key, [...path, start].join(' → '));
        break;
      }
      for (const other of next)
        if (!before.has(other)) {
          before.set(other, node);
          queue.push(other);
        }
    }
  }
  return [...rings.values()];
}
