import type { Value } from '../sandbox/value.ts';

/** A numeric array: its shape, and real and imaginary parts in row order. */
interface Numbers {
  readonly shape: readonly number[];
  readonly real: readonly number[];
  readonly imag: readonly number[];
}

const RTOL = 1e-7;

/**
 * `numpy.allclose(output, expected, rtol=1e-7, atol=atol)` of plain values: |output − expected| ≤
 * atol + rtol·|expected| for each pair, with numpy's broadcasting; NaN is close to nothing, an
 * infinity to itself. False where numpy raises (texts, None, dicts, ragged lists, integers beyond
 * 64 bits).
 */
export function allClose(output: Value, expected: Value, atol: number): boolean {
  const [a, b] = [numbersOf(output), numbersOf(expected)];
  if (a === null || b === null) return false;
  // EvalPlus asks for equal outer lengths first.
  if (a.shape[0] !== b.shape[0]) return false;
  const shape = broadcast(a.shape, b.shape);
  if (shape === null) return false;
  const size = shape.reduce((product, n) => product * n, 1);
  for (let i = 0; i < size; i++) {
    const [x, y] = [place(i, shape, a.shape), place(i, shape, b.shape)];
    if (!close(a.real[x]!, a.imag[x]!, b.real[y]!, b.imag[y]!, atol)) return false;
  }
  return true;
}

function close(re: number, im: number, wantedRe: number, wantedIm: number, atol: number): boolean {
  if (re === wantedRe && im === wantedIm) return true;
  const size = Math.hypot(wantedRe, wantedIm);
  return Number.isFinite(size) && Math.hypot(re - wantedRe, im - wantedIm) <= atol + RTOL * size;
}

function numbersOf(value: Value): Numbers | null {
  switch (value.type) {
    case 'bool':
      return { shape: [], real: [value.value ? 1 : 0], imag: [0] };
    case 'int':
      return value.value < 2n ** 64n && value.value >= -(2n ** 63n)
        ? { shape: [], real: [Number(value.value)], imag: [0] }
        : null;
    case 'float':
      return { shape: [], real: [value.value], imag: [0] };
    case 'complex':
      return { shape: [], real: [value.real], imag: [value.imag] };
    case 'list':
    case 'tuple': {
      const parts = value.items.map(numbersOf);
      const inner = parts[0]?.shape ?? [];
      const same = parts.every((part) => part !== null && String(part.shape) === String(inner));
      if (!same) return null;
      return {
        shape: [parts.length, ...inner],
        real: parts.flatMap((part) => part!.real),
        imag: parts.flatMap((part) => part!.imag),
      };
    }
    default:
      return null;
  }
}

function broadcast(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const [m, n] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (m !== n && m !== 1 && n !== 1) return null;
    shape.push(m === 1 ? n : m);
  }
  return shape;
}

/** Index into an array of shape `own` of element `index` of the broadcast `shape`. */
function place(index: number, shape: readonly number[], own: readonly number[]): number {
  let rest = index;
  let at = 0;
  let stride = 1;
  for (let i = shape.length - 1; i >= shape.length - own.length; i--) {
    const n = own[i - shape.length + own.length]!;
    at += (n === 1 ? 0 : rest % shape[i]!) * stride;
    stride *= n;
    rest = Math.floor(rest / shape[i]!);
  }
  return at;
}
