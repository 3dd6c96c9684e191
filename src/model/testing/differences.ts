import type { AdapterTensors } from '../weights/adapter.ts';

/** Largest |a − b| relative to the RMS of b: gradients are compared directly (docs/methods.md). */
export function relativeError(
  actual: AdapterTensors,
  expected: AdapterTensors,
): { worst: number; name: string } {
  let worst = { worst: 0, name: '' };
  for (const [name, { data }] of expected) {
    const rms = Math.sqrt(data.reduce((s, x) => s + x * x, 0) / data.length) || 1;
    const got = actual.get(name)?.data ?? new Float32Array(data.length).fill(NaN);
    data.forEach((x, i) => {
      const error = Math.abs((got[i] ?? NaN) - x) / rms;
      if (!(error <= worst.worst)) worst = { worst: error, name: `${name}[${i}]` };
    });
  }
  return worst;
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < b.length; i++)
    worst = Math.max(worst, Math.abs((a[i] ?? NaN) - (b[i] ?? NaN)));
  return worst;
}
