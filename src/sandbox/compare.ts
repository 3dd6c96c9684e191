import { rangeLength, type Value } from './value.ts';

/**
 * Python's `==` on plain values: `1 == 1.0 == True`, sets and dicts unordered, tuple ≠ list, NaN
 * equal to nothing, bytes == bytearray, set == frozenset. Two departures: objects have no identity
 * here, so that `[nan] == [nan]` is false even where CPython finds the same object twice, and an
 * iterator or unsupported value equals nothing.
 */
export function pythonEquals(a: Value, b: Value): boolean {
  const x = numeric(a);
  const y = numeric(b);
  if (x !== null || y !== null) {
    if (x === null || y === null) return false;
    // eslint-disable-next-line eqeqeq -- `===` never finds a bigint and a number equal; `==` compares their values
    return x.real == y.real && x.imag === y.imag;
  }
  switch (a.type) {
    case 'none':
    case 'ellipsis':
      return a.type === b.type;
    case 'str':
      return b.type === 'str' && a.value === b.value;
    case 'bytes':
    case 'bytearray':
      return (b.type === 'bytes' || b.type === 'bytearray') && a.hex === b.hex;
    case 'list':
    case 'tuple':
      if (b.type !== a.type || a.items.length !== b.items.length) return false;
      return a.items.every((item, i) => pythonEquals(item, b.items[i] as Value));
    case 'set':
    case 'frozenset': {
      if (b.type !== 'set' && b.type !== 'frozenset') return false;
      const [left, right] = [keys(a.items), keys(b.items)];
      return left.size === right.size && [...left].every((key) => right.has(key));
    }
    case 'dict': {
      if (b.type !== 'dict') return false;
      const [left, right] = [entries(a.entries), entries(b.entries)];
      if (left.size !== right.size) return false;
      for (const [key, value] of left) {
        const other = right.get(key);
        if (other === undefined || !pythonEquals(value, other)) return false;
      }
      return true;
    }
    case 'range':
      return b.type === 'range' && rangeKey(a) === rangeKey(b);
    case 'iterator':
    case 'object':
    case 'unsupported':
      return false;
    default:
      throw new Error(`There is no comparison for ${(a as Value).type}.`);
  }
}

/** Python's `is` for the three singletons that asserts compare with. */
export function pythonIs(actual: Value, singleton: Value): boolean {
  if (singleton.type === 'bool') return actual.type === 'bool' && actual.value === singleton.value;
  return singleton.type === 'none' && actual.type === 'none';
}

/**
 * Bool, int, float and complex meet here. JavaScript compares a bigint with a number by exact
 * value, as Python does.
 */
function numeric(value: Value): { real: bigint | number; imag: number } | null {
  switch (value.type) {
    case 'bool':
      return { real: value.value ? 1n : 0n, imag: 0 };
    case 'int':
    case 'float':
      return { real: value.value, imag: 0 };
    case 'complex':
      // `+ 0` turns −0 into 0: both are equal, and `===` agrees.
      return { real: value.real, imag: value.imag + 0 };
    default:
      return null;
  }
}

let unequal = 0;

/** A text that two hashable values share exactly when Python finds them equal. */
export function hashKey(value: Value): string {
  const number = numeric(value);
  if (number !== null) {
    const { real, imag } = number;
    if (Number.isNaN(real) || Number.isNaN(imag)) return `nan${(unequal += 1)}`;
    const whole = typeof real === 'number' && Number.isInteger(real) ? BigInt(real) : real;
    return imag === 0 ? `#${whole}` : `#${whole},${imag}`;
  }
  switch (value.type) {
    case 'none':
      return 'None';
    case 'ellipsis':
      return '...';
    case 'str':
      return `s${value.value.length}:${value.value}`;
    case 'bytes':
    case 'bytearray':
      return `y${value.hex}`;
    case 'tuple':
      return `(${value.items.map(hashKey).join(',')})`;
    case 'set':
    case 'frozenset':
      return `{${[...keys(value.items)].sort().join(',')}}`;
    case 'range':
      return rangeKey(value);
    default:
      // Not hashable in Python: such a tree was forged.
      return `?${(unequal += 1)}`;
  }
}

/** Whether Python can hash it. */
export function hashable(value: Value): boolean {
  switch (value.type) {
    case 'list':
    case 'set':
    case 'dict':
    case 'bytearray':
    case 'iterator':
    case 'object':
    case 'unsupported':
      return false;
    case 'tuple':
      return value.items.every(hashable);
    default:
      return true;
  }
}

function keys(items: readonly Value[]): Set<string> {
  return new Set(items.map(hashKey));
}

/** A later value wins, as when a dict is built. */
function entries(pairs: readonly (readonly [Value, Value])[]): Map<string, Value> {
  return new Map(pairs.map(([key, value]) => [hashKey(key), value]));
}

function rangeKey(range: { start: bigint; stop: bigint; step: bigint }): string {
  const length = rangeLength(range);
  if (length === 0n) return 'r0';
  return length === 1n ? `r1,${range.start}` : `r${length},${range.start},${range.step}`;
}
