import type { Value } from './value.ts';

/** Longest rendering of a value in a verdict, in characters. */
export const CLIP = 240;

/** Python's `repr` of a plain value, clipped to `limit` characters with an ellipsis. */
export function render(value: Value, limit = CLIP): string {
  const out: string[] = [];
  let length = 0;
  // Enough is enough: a list of 20,000 items is not rendered to be thrown away.
  const put = (s: string): boolean => {
    out.push(s);
    length += s.length;
    return length <= limit;
  };
  write(value, put);
  return clip(out.join(''), limit);
}

export function clip(text: string, limit = CLIP): string {
  if (text.length <= limit) return text;
  // Never half a surrogate pair.
  const end = /[\uD800-\uDBFF]/.test(text.charAt(limit - 2)) ? limit - 2 : limit - 1;
  return `${text.slice(0, end)}…`;
}

/** Characters of a value that are looked through for the place where two differ. */
const LOOK = 20_000;
/** Characters shown before that place. */
const LEAD = 60;

/**
 * Two values that are not equal, as `render` gives them; where both are the same for longer than is
 * shown, the part around the first difference.
 */
export function renderPair(actual: Value, expected: Value): { actual: string; expected: string } {
  return clipPair(render(actual, LOOK), render(expected, LOOK));
}

export function clipPair(actual: string, expected: string): { actual: string; expected: string } {
  let same = 0;
  while (same < actual.length && same < expected.length && actual[same] === expected[same]) same++;
  const from = same < CLIP - LEAD ? 0 : same - LEAD;
  const part = (text: string): string => (from === 0 ? clip(text) : clip(`…${text.slice(from)}`));
  return { actual: part(actual), expected: part(expected) };
}

type Put = (s: string) => boolean;

function write(value: Value, put: Put): boolean {
  switch (value.type) {
    case 'none':
      return put('None');
    case 'ellipsis':
      return put('Ellipsis');
    case 'bool':
      return put(value.value ? 'True' : 'False');
    case 'int':
      return put(intText(value.value));
    case 'float':
      return put(floatText(value.value));
    case 'complex':
      return put(complexText(value.real, value.imag));
    case 'str':
      return put(stringText(value.value));
    case 'bytes':
      return put(bytesText(value.hex));
    case 'bytearray':
      return put(`bytearray(${bytesText(value.hex)})`);
    case 'list':
      return put('[') && series(value.items, put) && put(']');
    case 'tuple':
      return put('(') && series(value.items, put) && put(value.items.length === 1 ? ',)' : ')');
    case 'set':
      if (value.items.length === 0) return put('set()');
      return put('{') && series(value.items, put) && put('}');
    case 'frozenset':
      if (value.items.length === 0) return put('frozenset()');
      return put('frozenset({') && series(value.items, put) && put('})');
    case 'iterator':
      return put('<iterator over [') && series(value.items, put) && put(']>');
    case 'dict': {
      if (!put('{')) return false;
      for (const [i, [key, item]] of value.entries.entries()) {
        if (i > 0 && !put(', ')) return false;
        if (!write(key, put) || !put(': ') || !write(item, put)) return false;
      }
      return put('}');
    }
    case 'range':
      return put(
        `range(${value.start}, ${value.stop}${value.step === 1n ? '' : `, ${value.step}`})`,
      );
    case 'object':
      return object(value, put);
    case 'unsupported':
      return put(`<${value.name}: ${value.why}>`);
    default:
      return value satisfies never;
  }
}

/** `Fraction(1, 2)`, `Point(x=1, y=2)`, `Colour.RED`, `<class 'int'>`. */
function object(value: Value & { type: 'object' }, put: Put): boolean {
  const { tag, name, fields, items } = value;
  if (tag === 'T') return put(`<class '${name}'>`);
  if (tag === 'E') return put(`${name}.${fields.join()}`);
  if (tag === 'x' && items.length === 0) return put(name);
  if (!put(`${name}(`)) return false;
  // Parts that are left out are None: a deque without a limit, a time without a zone.
  const shown = tag === 'x' ? items.filter((item, i) => i === 0 || item.type !== 'none') : items;
  for (const [i, item] of shown.entries()) {
    if (i > 0 && !put(', ')) return false;
    if (fields[i] !== undefined && !put(`${fields[i]}=`)) return false;
    if (!write(item, put)) return false;
  }
  return put(')');
}

function series(items: readonly Value[], put: Put): boolean {
  for (const [i, item] of items.entries()) {
    if (i > 0 && !put(', ')) return false;
    if (!write(item, put)) return false;
  }
  return true;
}

function intText(value: bigint): string {
  const hex = value.toString(16);
  // Decimal text of a huge integer takes quadratic time, and nobody reads it.
  return hex.length > 1000 ? `<int of ${4 * hex.length} bits>` : value.toString();
}

/** repr(float): the shortest digits that round-trip, with Python's rule for the exponent. */
export function floatText(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x < 0 ? '-inf' : 'inf';
  if (Object.is(x, -0)) return '-0.0';
  if (x === 0) return '0.0';
  const sign = x < 0 ? '-' : '';
  // JavaScript finds the same shortest digits; only the layout differs.
  const [mantissa = '', exponentText = '0'] = Math.abs(x).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const size = Math.abs(exponent).toString().padStart(2, '0');
    return `${sign}${digits.charAt(0)}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

function complexText(real: number, imag: number): string {
  const part = (x: number): string => floatText(x).replace(/\.0$/, '');
  if (real === 0 && !Object.is(real, -0)) return `${part(imag)}j`;
  const sign = imag < 0 || Object.is(imag, -0) ? '' : '+';
  return `(${part(real)}${sign}${part(imag)}j)`;
}

function quoteFor(text: string): string {
  return text.includes("'") && !text.includes('"') ? '"' : "'";
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/**
 * What str.isprintable() refuses: controls, formats, surrogates, private use, unassigned,
 * separators except the space.
 */
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

function stringText(text: string): string {
  const quote = quoteFor(text);
  let out = quote;
  for (const char of text) {
    if (out.length > 4 * CLIP) break;
    const escape = ESCAPES[char];
    if (escape !== undefined) out += escape;
    else if (char === quote) out += `\\${quote}`;
    else if (char === ' ' || !UNPRINTABLE.test(char)) out += char;
    else {
      const code = char.codePointAt(0) ?? 0;
      const hex = code.toString(16);
      if (code < 0x100) out += `\\x${hex.padStart(2, '0')}`;
      else out += code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
    }
  }
  return out + quote;
}

function bytesText(hex: string): string {
  const codes = (hex.slice(0, 8 * CLIP).match(/../g) ?? []).map((pair) =>
    Number.parseInt(pair, 16),
  );
  const quote = codes.includes(39) && !codes.includes(34) ? '"' : "'";
  const body = codes.map((code) => {
    const char = String.fromCharCode(code);
    const escape = ESCAPES[char];
    if (escape !== undefined) return escape;
    if (char === quote) return `\\${quote}`;
    return code >= 32 && code < 127 ? char : `\\x${code.toString(16).padStart(2, '0')}`;
  });
  return `b${quote}${body.join('')}${quote}`;
}
