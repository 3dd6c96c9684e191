import type { DifferentialTests, Arguments } from '../data/problem.ts';
import { hashable, pythonEquals } from '../sandbox/compare.ts';
import { truth, type Value } from '../sandbox/value.ts';
import { allClose } from './all-close.ts';

/*
 * When EvalPlus takes an output for right (evalplus/eval/__init__.py and _special_oracle.py,
 * v0.3.1), with its quirks:
 *
 * - once an expected output was a float (or a list of nothing else), the tolerance of 1e-6 stays
 *   for all later inputs of the run, so that later integers may differ by 1e-7 of their size;
 * - with a tolerance the types of both outputs must be equal, and numpy broadcasts what has the
 *   same outer length;
 * - three tasks whose reference returns match objects ask only whether there is one (`NOT_NONE`);
 * - eight tasks compare as sets, whatever was returned (`SET_EQUAL`);
 * - Mbpp/164 takes anything that does not raise, Mbpp/295 also takes 0, Mbpp/581 and Mbpp/558
 *   take a second reading of their text, HumanEval/32 takes any root.
 */
const NOT_NONE: ReadonlySet<string> = new Set([
  'check_str',
  'text_match_three',
  'text_starta_endb',
]);
const SET_EQUAL: ReadonlySet<string> = new Set([
  'similar_elements',
  'find_char_long',
  'common_in_nested_lists',
  'extract_singly',
  'larg_nnum',
  'intersection_array',
  'find_dissimilar',
  'Diff',
]);

const FLOAT_TOLERANCE = 1e-6;

/** Judges the outputs of one run over a list of inputs, in their order. */
export class Oracle {
  private atol: number;
  private readonly special: string | null;
  private readonly root: boolean;

  constructor(entryPoint: string, { family, atol }: Pick<DifferentialTests, 'family' | 'atol'>) {
    this.atol = atol;
    this.special = family === 'mbpp' ? entryPoint : null;
    this.root = family === 'humaneval' && entryPoint === 'find_zero';
  }

  /** Whether an iterator's items have to be known, since the output is turned into a set. */
  get consumes(): boolean {
    return this.special !== null && SET_EQUAL.has(this.special);
  }

  /** Whether outputs count that are not plain data: the test only asks whether there is one. */
  get takesObjects(): boolean {
    return this.special !== null && NOT_NONE.has(this.special);
  }

  /** What is expected where the reference returns `output`. */
  expected(output: Value): Value {
    if (!this.takesObjects) return output;
    return { type: 'bool', value: output.type !== 'none' };
  }

  /** The test as a line of Python, for people. */
  source(call: string, expected: string): string {
    if (this.root) return `assert abs(poly(xs, ${call})) <= ${this.atol}`;
    if (this.consumes) return `assert set(${call}) == set(${expected})`;
    if (this.takesObjects) return `assert (${call} is not None) == ${expected}`;
    return `assert ${call} == ${expected}`;
  }

  accepts(output: Value, expected: Value, inputs: Arguments): boolean {
    if (this.root) return this.isRoot(output, inputs);
    const exact = this.exact(output, expected, inputs);
    if (this.atol === 0 && isFloats(expected)) this.atol = FLOAT_TOLERANCE;
    if (exact || this.atol === 0) return exact;
    return output.type === expected.type && allClose(output, expected, this.atol);
  }

  private exact(output: Value, expected: Value, inputs: Arguments): boolean {
    const equal = pythonEquals(output, expected);
    if (this.special === null) return equal;
    if (this.special === 'are_equivalent') return true;
    if (this.special === 'sum_div')
      return equal || pythonEquals(output, { type: 'int', value: 0n });
    if (this.special === 'surface_Area')
      return equal || near(output, pyramidSurface(inputs), this.atol);
    if (this.special === 'digit_distance_nums')
      return equal || near(output, digitDistance(inputs), 0);
    if (SET_EQUAL.has(this.special)) {
      const [left, right] = [asSet(output), asSet(expected)];
      return left !== null && right !== null && pythonEquals(left, right);
    }
    if (NOT_NONE.has(this.special))
      return output.type === 'bool' ? equal : truth(expected) === (output.type !== 'none');
    return equal;
  }

  /** HumanEval/32: |p(out)| ≤ atol for the polynomial whose coefficients are the input. */
  private isRoot(output: Value, inputs: Arguments): boolean {
    const x = real(output);
    const coefficients = inputs[0]?.type === 'list' ? inputs[0].items.map(real) : null;
    if (x === null || coefficients === null) return false;
    const value = coefficients.reduce<number>(
      (sum, c, power) => sum + (c ?? NaN) * exactPower(x, power),
      0,
    );
    return Math.abs(value) <= this.atol;
  }
}

/** A float, or a list or tuple of floats alone. */
function isFloats(value: Value): boolean {
  if (value.type === 'float') return true;
  return (
    (value.type === 'list' || value.type === 'tuple') &&
    value.items.length > 0 &&
    value.items.every((item) => item.type === 'float')
  );
}

function real(value: Value): number | null {
  if (value.type === 'bool') return value.value ? 1 : 0;
  return value.type === 'int' || value.type === 'float' ? Number(value.value) : null;
}

/**
 * x^n rounded once, as libm's pow does to within a hair: `**` is an ulp off now and then, and
 * HumanEval/32 has polynomials where that decides. Powers are kept as a sum of two doubles
 * (Dekker's product).
 */
export function exactPower(x: number, n: number): number {
  let [high, low] = [1, 0];
  for (let i = 0; i < n; i++) {
    const product = high * x;
    const rest = productError(high, x, product) + low * x;
    high = product + rest;
    low = rest - (high - product);
  }
  return Number.isFinite(low) ? high : x ** n;
}

/** a·b − product, exactly, by Veltkamp's splitting. */
function productError(a: number, b: number, product: number): number {
  const split = (value: number): [number, number] => {
    const scaled = 134217729 * value; // 2^27 + 1
    const top = scaled - (scaled - value);
    return [top, value - top];
  };
  const [[aTop, aRest], [bTop, bRest]] = [split(a), split(b)];
  return aRest * bRest - (product - aTop * bTop - aRest * bTop - aTop * bRest);
}

function near(output: Value, wanted: number | null, atol: number): boolean {
  const found = real(output);
  return found !== null && wanted !== null && Math.abs(found - wanted) <= atol;
}

/** `set(value)`; null where Python raises. */
function asSet(value: Value): Value | null {
  const items = itemsOf(value);
  return items !== null && items.every(hashable) ? { type: 'set', items } : null;
}

function itemsOf(value: Value): readonly Value[] | null {
  switch (value.type) {
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
    case 'iterator':
      return value.items;
    case 'dict':
      return value.entries.map(([key]) => key);
    case 'str':
      return [...value.value].map((letter) => ({ type: 'str', value: letter }));
    case 'range': {
      const items: Value[] = [];
      const { start, stop, step } = value;
      for (let i = start; step > 0n ? i < stop : i > stop; i += step) {
        if (items.length > 100_000) return null;
        items.push({ type: 'int', value: i });
      }
      return items;
    }
    default:
      return null;
  }
}

/**
 * Mbpp/581 with the height taken as the distance from the base to the apex; rounded half to even.
 */
function pyramidSurface([edge, height]: Arguments): number | null {
  const [a, h] = [edge && real(edge), height && real(height)];
  if (a == null || h == null) return null;
  const area = a ** 2 + (4 * (a * Math.sqrt((a / 2) ** 2 + h ** 2))) / 2;
  const floor = Math.floor(area);
  const rest = area - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Mbpp/558 with both numbers padded to one length. */
function digitDistance([one, two]: Arguments): number | null {
  if (one?.type !== 'int' || two?.type !== 'int' || one.value < 0n || two.value < 0n) return null;
  const length = Math.max(String(one.value).length, String(two.value).length);
  const [a, b] = [String(one.value).padStart(length, '0'), String(two.value).padStart(length, '0')];
  return [...a].reduce((sum, digit, i) => sum + Math.abs(Number(digit) - Number(b[i])), 0);
}
