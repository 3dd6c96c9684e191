import { KEY, writeKey } from '../../kernels/attention-keys.ts';
import { SPAN } from '../../kernels/gather-rows.ts';
import { ROW, writeRow } from '../../kernels/rows.ts';

/** A sequence to pack: sequences of one `group` share their prompt. */
export interface PackItem {
  readonly group: number;
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
  /** Items of different parts (0) stand in different micro-batches. */
  readonly part?: number;
}

/**
 * Packed rows of one micro-batch. A group's prompt stands once; each completion follows and attends
 * to the prompt and itself. The row of token i predicts token i + 1, so a completion of n tokens
 * takes n − 1 rows, and its first token is predicted by the prompt's last row. Entries are the
 * predicted tokens, sorted by the row that predicts them.
 */
export interface Packed {
  readonly count: number;
  /** (rows, 8), see shaders/lib/rows.wgsl. */
  readonly rows: Uint32Array;
  /** (rows, 4): end of the row's own segment, first and end of the completions that share it. */
  readonly keys: Uint32Array;
  /** (rows, 2): first entry predicted by the row, and end. */
  readonly spans: Uint32Array;
  /** Source row of each entry. */
  readonly sources: Uint32Array;
  /** Entry → (item index in the list given to `packBatches`, completion position). */
  readonly items: Uint32Array;
  readonly positions: Uint32Array;
  readonly part: number;
}

/** Rows a group needs: its prompt and all but the last token of each completion. */
const rowsOf = (item: PackItem) => item.completion.length - 1;

/**
 * Packs items into micro-batches of at most `maxRows` rows, part after part, groups in order of
 * first appearance. A group that does not fit is cut between completions (its prompt is computed
 * again); one completion longer than `maxRows` gets its own.
 */
export function packBatches(
  items: readonly PackItem[],
  maxRows: number,
  adapter: number,
): Packed[] {
  const parts = [...new Set(items.map((item) => item.part ?? 0))].sort((a, b) => a - b);
  return parts.flatMap((part) =>
    packPart(items, part, maxRows).map((groups) => packOne(items, groups, adapter, part)),
  );
}

/** Item indices of one part by micro-batch and group. */
function packPart(items: readonly PackItem[], part: number, maxRows: number): number[][][] {
  const groups = new Map<number, number[]>();
  items.forEach((item, i) => {
    if ((item.part ?? 0) !== part) return;
    if (item.prompt.length === 0)
      throw new Error('A sequence has no prompt token; at least one is needed to predict from.');
    if (item.completion.length === 0)
      throw new Error('A sequence has no completion token; at least one is needed.');
    const members = groups.get(item.group);
    if (members) members.push(i);
    else groups.set(item.group, [i]);
  });
  const batches: number[][][] = [];
  let batch: number[][] = [];
  let used = 0;
  const close = () => {
    if (batch.length > 0) batches.push(batch);
    batch = [];
    used = 0;
  };
  for (const members of groups.values()) {
    const prompt = items[members[0] ?? 0]?.prompt.length ?? 0;
    let piece: number[] = [];
    for (const i of members) {
      const item = items[i];
      if (!item) continue;
      const need = rowsOf(item) + (piece.length === 0 ? prompt : 0);
      if (used > 0 && used + need > maxRows) {
        if (piece.length > 0) batch.push(piece);
        piece = [];
        close();
        used = prompt + rowsOf(item);
      } else used += need;
      piece.push(i);
    }
    batch.push(piece);
  }
  close();
  return batches;
}

function packOne(
  items: readonly PackItem[],
  groups: readonly (readonly number[])[],
  adapter: number,
  part: number,
): Packed {
  const at = (i: number): PackItem => items[i] ?? { group: 0, prompt: [], completion: [] };
  let count = 0;
  let entries = 0;
  let promptRows = 0;
  for (const members of groups) {
    promptRows += at(members[0] ?? 0).prompt.length;
    for (const i of members) {
      count += rowsOf(at(i));
      entries += at(i).completion.length;
    }
  }
  count += promptRows;
  const rows = new Uint32Array(count * ROW.words);
  const keys = new Uint32Array(count * KEY.words);
  const spans = new Uint32Array(count * SPAN.words);
  const sources = new Uint32Array(entries);
  const itemOf = new Uint32Array(entries);
  const positions = new Uint32Array(entries);
  let row = 0;
  let entry = 0;
  const predict = (source: number, item: number, position: number) => {
    sources[entry] = source;
    itemOf[entry] = item;
    positions[entry] = position;
    entry += 1;
  };
  for (const members of groups) {
    const prompt = at(members[0] ?? 0).prompt;
    const start = row;
    const prefixEnd = start + prompt.length;
    const childrenEnd = prefixEnd + members.reduce((n, i) => n + rowsOf(at(i)), 0);
    prompt.forEach((token, position) => {
      writeRow(rows, row, {
        token,
        position,
        kv: row,
        prefixStart: 0,
        prefixLen: 0,
        ownStart: start,
        ownLen: position + 1,
        adapter,
      });
      writeKey(keys, row, { ownEnd: prefixEnd, childrenStart: prefixEnd, childrenEnd });
      SPAN.write(spans, row, { start: entry, end: entry });
      row += 1;
    });
    const firstEntry = entry;
    for (const i of members) predict(prefixEnd - 1, i, 0);
    SPAN.write(spans, prefixEnd - 1, { start: firstEntry, end: entry });
    for (const i of members) {
      const { completion } = at(i);
      const own = row;
      const end = own + completion.length - 1;
      for (let j = 0; j < completion.length - 1; j++) {
        writeRow(rows, row, {
          token: completion[j] ?? 0,
          position: prompt.length + j,
          kv: row,
          prefixStart: start,
          prefixLen: prompt.length,
          ownStart: own,
          ownLen: j + 1,
          adapter,
        });
        writeKey(keys, row, { ownEnd: end, childrenStart: 0, childrenEnd: 0 });
        SPAN.write(spans, row, { start: entry, end: entry + 1 });
        predict(row, i, j + 1);
        row += 1;
      }
    }
  }
  return { count, rows, keys, spans, sources, items: itemOf, positions, part };
}
