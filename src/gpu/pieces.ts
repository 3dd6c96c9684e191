import type { Grid } from './kernel.ts';

/** A rectangle of a grid of workgroups. */
export interface Piece {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The grid in pieces of which none is more than 1/`parts` of it, or than one workgroup: cut along
 * y, along x as well where single rows are too much. Each workgroup does what it would have done,
 * so results do not depend on it.
 */
export function piecesOf([width, height]: Grid, parts: number): Piece[] {
  if (parts <= 1) return [{ x: 0, y: 0, width, height }];
  const rows = Math.max(1, Math.floor(height / parts));
  const columns = height >= parts ? width : Math.max(1, Math.floor((width * height) / parts));
  const pieces: Piece[] = [];
  for (const [y, h] of spans(height, rows))
    for (const [x, w] of spans(width, columns)) pieces.push({ x, y, width: w, height: h });
  return pieces;
}

/** [start, length] of as few spans of at most `most` as there can be, about equally long. */
function spans(total: number, most: number): [number, number][] {
  const count = Math.ceil(total / most);
  const start = (i: number) => Math.floor((i * total) / count);
  return Array.from({ length: count }, (_, i) => [start(i), start(i + 1) - start(i)]);
}
