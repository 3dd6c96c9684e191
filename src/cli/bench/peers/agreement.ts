import type { BlockResult } from './ours.ts';

/** Relative distances of two results of the same block, by what they are of. */
export function distances(ours: BlockResult, theirs: BlockResult): Record<string, number> {
  const out: Record<string, number> = {
    output: distance(ours.y, theirs.y),
    'input gradient': distance(ours.dx, theirs.dx),
  };
  for (const pair of ['dA', 'dB'] as const)
    for (const [name, values] of Object.entries(theirs[pair]))
      out[`${pair} of ${name}`] = distance(
        ours[pair][name as keyof BlockResult['dA']] ?? new Float32Array(),
        values,
      );
  return out;
}

/** ‖a − b‖ / ‖b‖. */
export function distance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let [difference, size] = [0, 0];
  a.forEach((value, i) => {
    difference += (value - b[i]!) ** 2;
    size += b[i]! ** 2;
  });
  return Math.sqrt(difference / size);
}
