import { Layout } from './layout.ts';

/**
 * Who attends to key t, the `keys` of the backward pass: the rows [t, ownEnd) of its own segment and
 * the completions [childrenStart, childrenEnd) that share it as a prefix.
 */
export const KEY = new Layout({
  ownEnd: 'u32',
  childrenStart: 'u32',
  childrenEnd: 'u32',
  unused: 'u32',
});
export interface KeyReach {
  readonly ownEnd: number;
  readonly childrenStart: number;
  readonly childrenEnd: number;
}

export function writeKey(keys: Uint32Array, row: number, reach: KeyReach): void {
  KEY.write(keys, row, { ...reach, unused: 0 });
}

export function packKeys(reaches: readonly KeyReach[]): Uint32Array<ArrayBuffer> {
  return KEY.pack(reaches.map((reach) => ({ ...reach, unused: 0 })));
}
