/** Words of one row's state in the `rows` buffer; see shaders/lib/rows.wgsl. */
export const ROW_WORDS = 8;

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

/** The most keys that any of these rows attends to. */
export function mostKeys(words: Uint32Array): number {
  let most = 0;
  for (let at = 0; at < words.length; at += ROW_WORDS)
    most = Math.max(most, (words[at + 4] ?? 0) + (words[at + 6] ?? 0));
  return most;
}

export function writeRow(words: Uint32Array, row: number, s: RowState): void {
  words.set(
    [s.token, s.position, s.kv, s.prefixStart, s.prefixLen, s.ownStart, s.ownLen, s.adapter],
    row * ROW_WORDS,
  );
}
