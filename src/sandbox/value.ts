/**
 * Python values as they come out of the sandbox: exact types, no behaviour. The wire form is the
 * tagged JSON of wire.py; `parseValue` checks it, since the other end is hostile.
 */
export type Value =
  | { readonly type: 'none' }
  | { readonly type: 'ellipsis' }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'complex'; readonly real: number; readonly imag: number }
  | { readonly type: 'str'; readonly value: string }
  | { readonly type: 'bytes' | 'bytearray'; readonly hex: string }
  | {
      readonly type: 'list' | 'tuple' | 'set' | 'frozenset' | 'iterator';
      readonly items: readonly Value[];
    }
  | { readonly type: 'dict'; readonly entries: readonly (readonly [Value, Value])[] }
  | { readonly type: 'range'; readonly start: bigint; readonly stop: bigint; readonly step: bigint }
  /** A value with a type of its own: only Python knows what it equals. */
  | {
      readonly type: 'object';
      readonly tag: 'x' | 'T' | 'N' | 'D' | 'E';
      readonly name: string;
      /** Of a namedtuple or a dataclass; an Enum's one member. */
      readonly fields: readonly string[];
      readonly items: readonly Value[];
    }
  /** Not plain data, or beyond the budget: equal to nothing. */
  | { readonly type: 'unsupported'; readonly name: string; readonly why: string };

/** What crosses the boundary; JSON. */
export type WireValue = readonly unknown[];

const SEQUENCES = { l: 'list', t: 'tuple', S: 'set', F: 'frozenset', g: 'iterator' } as const;

function fail(): never {
  throw new Error('The sandbox sent a value that is not in its own encoding.');
}

function text(x: unknown): string {
  return typeof x === 'string' ? x : fail();
}

function array(x: unknown): readonly unknown[] {
  return Array.isArray(x) ? x : fail();
}

const FLOAT = /^-?(?:inf|nan|\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

function float(x: unknown): number {
  const s = text(x);
  if (!FLOAT.test(s)) fail();
  if (s.endsWith('nan')) return NaN;
  if (s.endsWith('inf')) return s.startsWith('-') ? -Infinity : Infinity;
  return Number(s);
}

function integer(x: unknown): bigint {
  const s = text(x);
  if (!/^-?0x[0-9a-f]+$/.test(s)) fail();
  return s.startsWith('-') ? -BigInt(s.slice(1)) : BigInt(s);
}

function hexBytes(x: unknown): string {
  const s = text(x);
  return /^(?:[0-9a-f]{2})*$/.test(s) ? s : fail();
}

function values(wire: unknown, depth: number): Value[] {
  return array(wire).map((item) => parseValue(item, depth + 1));
}

/** Decodes one wire value; throws a sentence for anything else. */
export function parseValue(wire: unknown, depth = 0): Value {
  // The sandbox stops at 60; a forged deeper tree must not exhaust our own stack.
  if (depth > 64) fail();
  const node = array(wire);
  const tag = node[0];
  switch (tag) {
    case 'n':
      return { type: 'none' };
    case 'e':
      return { type: 'ellipsis' };
    case 'b':
      return { type: 'bool', value: node[1] === 1 };
    case 'i':
      return { type: 'int', value: integer(node[1]) };
    case 'f':
      return { type: 'float', value: float(node[1]) };
    case 'c':
      return { type: 'complex', real: float(node[1]), imag: float(node[2]) };
    case 's':
      return { type: 'str', value: text(node[1]) };
    case 'y':
    case 'Y':
      return { type: tag === 'y' ? 'bytes' : 'bytearray', hex: hexBytes(node[1]) };
    case 'l':
    case 't':
    case 'S':
    case 'F':
    case 'g':
      return {
        type: SEQUENCES[tag],
        items: values(node[1], depth),
      };
    case 'd':
      return {
        type: 'dict',
        entries: array(node[1]).map((entry) => {
          const pair = array(entry);
          return [parseValue(pair[0], depth + 1), parseValue(pair[1], depth + 1)] as const;
        }),
      };
    case 'r':
      return {
        type: 'range',
        start: integer(node[1]),
        stop: integer(node[2]),
        step: integer(node[3]) || fail(),
      };
    case 'x':
      return {
        type: 'object',
        tag,
        name: text(node[1]),
        fields: [],
        items: values(node[2], depth),
      };
    case 'T':
      return { type: 'object', tag, name: text(node[1]), fields: [], items: [] };
    case 'N':
    case 'D':
    case 'E':
      return {
        type: 'object',
        tag,
        name: text(node[1]),
        fields: array(node[2]).map(text),
        items: values(node[3], depth),
      };
    case 'u':
      return {
        type: 'unsupported',
        name: text(node[1]).slice(0, 80),
        why: text(node[2]).slice(0, 120),
      };
    default:
      return fail();
  }
}

/** A wire value decoded; null for one that is not in the encoding. */
export function decode(wire: unknown): Value | null {
  try {
    return parseValue(wire);
  } catch {
    return null;
  }
}

/** The wire form of a value: what `parseValue` reads. An unsupported value has none to send. */
export function toWire(value: Value): WireValue {
  switch (value.type) {
    case 'none':
      return ['n'];
    case 'ellipsis':
      return ['e'];
    case 'bool':
      return ['b', value.value ? 1 : 0];
    case 'int':
      return ['i', hex(value.value)];
    case 'float':
      return ['f', decimal(value.value)];
    case 'complex':
      return ['c', decimal(value.real), decimal(value.imag)];
    case 'str':
      return ['s', value.value];
    case 'bytes':
      return ['y', value.hex];
    case 'bytearray':
      return ['Y', value.hex];
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
    case 'iterator':
      return [TAGS[value.type], value.items.map(toWire)];
    case 'dict':
      return ['d', value.entries.map(([key, item]) => [toWire(key), toWire(item)])];
    case 'range':
      return ['r', hex(value.start), hex(value.stop), hex(value.step)];
    case 'object':
      if (value.tag === 'T') return ['T', value.name];
      if (value.tag === 'x') return ['x', value.name, value.items.map(toWire)];
      return [value.tag, value.name, value.fields, value.items.map(toWire)];
    case 'unsupported':
      throw new Error(`A ${value.name} cannot be handed to a program: ${value.why}.`);
    default:
      return value satisfies never;
  }
}

const TAGS = { list: 'l', tuple: 't', set: 'S', frozenset: 'F', iterator: 'g' } as const;

function hex(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/** Shortest digits that round-trip, as `float()` reads them. */
function decimal(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x < 0 ? '-inf' : 'inf';
  return Object.is(x, -0) ? '-0.0' : String(x);
}

/** Parts of a value, as the harness counts them. */
export function nodesOf(value: Value): number {
  switch (value.type) {
    case 'dict':
      return value.entries.reduce((sum, [key, item]) => sum + nodesOf(key) + nodesOf(item), 1);
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
    case 'iterator':
    case 'object':
      return value.items.reduce((sum, item) => sum + nodesOf(item), 1);
    default:
      return 1;
  }
}

/** Whether only Python can say what it equals and whether it is true: it holds an object. */
export function needsPython(value: Value): boolean {
  switch (value.type) {
    case 'object':
      return true;
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
    case 'iterator':
      return value.items.some(needsPython);
    case 'dict':
      return value.entries.some(([key, item]) => needsPython(key) || needsPython(item));
    default:
      return false;
  }
}

/**
 * Python's truth value of what needs no Python. An iterator, like any object without a length, is
 * true.
 */
export function truth(value: Value): boolean {
  switch (value.type) {
    case 'none':
      return false;
    case 'bool':
      return value.value;
    case 'int':
      return value.value !== 0n;
    case 'float':
      return value.value !== 0;
    case 'complex':
      return value.real !== 0 || value.imag !== 0;
    case 'str':
      return value.value !== '';
    case 'bytes':
    case 'bytearray':
      return value.hex !== '';
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
      return value.items.length > 0;
    case 'dict':
      return value.entries.length > 0;
    case 'range':
      return rangeLength(value) > 0n;
    case 'ellipsis':
    case 'iterator':
      return true;
    case 'object':
    case 'unsupported':
      return false;
    default:
      return value satisfies never;
  }
}

export function rangeLength(range: { start: bigint; stop: bigint; step: bigint }): bigint {
  const { start, stop, step } = range;
  const span = step > 0n ? stop - start : start - stop;
  const size = step > 0n ? step : -step;
  return span > 0n ? (span + size - 1n) / size : 0n;
}

/** Characters of text in a value, as the harness counts them. */
export function textOf(value: Value): number {
  switch (value.type) {
    case 'str':
      return value.value.length;
    case 'bytes':
    case 'bytearray':
      return value.hex.length;
    case 'int':
      return value.value.toString(16).length + 3;
    case 'dict':
      return value.entries.reduce((sum, [key, item]) => sum + textOf(key) + textOf(item), 0);
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
    case 'iterator':
    case 'object':
      return value.items.reduce((sum, item) => sum + textOf(item), 0);
    default:
      return 0;
  }
}
