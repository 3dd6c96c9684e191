import { Layout } from './layout.ts';

/** A row's state in the `rows` buffer; see shaders/lib/rows.wgsl. */
export const ROW = new Layout({
  token: 'u32',
  position: 'u32',
  kv: 'u32',
  prefixStart: 'u32',
  prefixLen: 'u32',
  ownStart: 'u32',
  ownLen: 'u32',
  adapter: 'u32',
});

export interface RowState {
  readonly token: number;
  readonly position: number;
  /** Key/value row this row writes. */
  readonly kv: number;
  readonly prefixStart: number;
  readonly prefixLen: number;
  readonly ownStart: number;
  readonly ownLen: number;
  /** 0: none, 1: student, 2: reflector. */
  readonly adapter: number;
}

export function rowAt(rows: Uint32Array, row: number): RowState {
  return ROW.read(rows, row);
}

export function writeRow(rows: Uint32Array, row: number, state: RowState): void {
  ROW.write(rows, row, state);
}

/** How many rows a buffer holds. */
export function rowCount(rows: Uint32Array): number {
  return rows.length / ROW.words;
}

/** A copy whose rows have the adapters that `adapterOf` says, which is asked in their order. */
export function withAdapters(
  rows: Uint32Array,
  adapterOf: (row: number) => number,
): Uint32Array<ArrayBuffer> {
  const copy = rows.slice();
  for (let row = 0; row < rowCount(copy); row++)
    ROW.write(copy, row, { ...ROW.read(copy, row), adapter: adapterOf(row) });
  return copy;
}

/** The most keys that any of these rows attends to. */
export function mostKeys(rows: Uint32Array): number {
  let most = 0;
  for (let row = 0; row < rowCount(rows); row++) {
    const { prefixLen, ownLen } = ROW.read(rows, row);
    most = Math.max(most, prefixLen + ownLen);
  }
  return most;
}
