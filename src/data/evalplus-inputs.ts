import type { Value } from '../sandbox/value.ts';
import type { Arguments } from './problem.ts';

/*
 * MBPP+ keeps its inputs as JSON, which has no tuples, sets or complex numbers; EvalPlus makes them
 * again task by task (`mbpp_deserialize_inputs`, evalplus/data/mbpp.py), and its verdicts depend on
 * it.
 */

type Convert = (inputs: Arguments) => Arguments;

/** `tuple(x)` of whatever Python would iterate: a list, a text's letters, a dict's keys. */
function tuple(value: Value): Value {
  switch (value.type) {
    case 'list':
    case 'tuple':
      return { type: 'tuple', items: value.items };
    case 'str':
      return {
        type: 'tuple',
        items: [...value.value].map((letter) => ({ type: 'str', value: letter })),
      };
    case 'dict':
      return { type: 'tuple', items: value.entries.map(([key]) => key) };
    default:
      throw new Error(`a tuple cannot be made of a ${value.type}`);
  }
}

function mapItems(value: Value, convert: (item: Value) => Value): Value {
  if (value.type !== 'list') throw new Error(`a list is expected where there is a ${value.type}`);
  return { type: 'list', items: value.items.map(convert) };
}

/** Lists become tuples all the way down. */
function deepTuple(value: Value): Value {
  return value.type === 'list' ? { type: 'tuple', items: value.items.map(deepTuple) } : value;
}

function text(value: Value | undefined): string {
  if (value?.type !== 'str')
    throw new Error(`a text is expected where there is a ${value?.type ?? 'gap'}`);
  return value.value;
}

const FLOAT = String.raw`(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|nan)`;
const COMPLEX = new RegExp(`^(?<real>[+-]?${FLOAT})?(?:(?<imag>(?:^|[+-])${FLOAT}?)j)?$`, 'i');

/** `complex(value)` of a number or a text: `1j`, `(2+3j)`, `-1.5`, `1e3-infj`. */
export function toComplex(value: Value | undefined): Value {
  if (value?.type === 'int' || value?.type === 'float')
    return { type: 'complex', real: Number(value.value), imag: 0 };
  const source = text(value).trim();
  const { groups } = COMPLEX.exec(source.replace(/^\((.*)\)$/, '$1')) ?? {};
  const { real, imag } = groups ?? {};
  if (real === undefined && imag === undefined)
    throw new Error(`\`${source}\` is no complex number`);
  return { type: 'complex', real: number(real ?? '0'), imag: number(imag ?? '0') };
}

function number(source: string): number {
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/.exec(source) ?? [];
  const size = /^inf/i.test(digits)
    ? Infinity
    : /^nan/i.test(digits)
      ? NaN
      : digits === ''
        ? 1
        : Number(digits);
  return sign === '-' ? -size : size;
}

const first =
  (convert: (value: Value) => Value): Convert =>
  ([head, ...rest]) =>
    head === undefined ? rest : [convert(head), ...rest];

const GROUPS: readonly (readonly [ids: string, convert: Convert])[] = [
  [
    '2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809',
    (inputs) => inputs.map(tuple),
  ],
  [
    '63 64 70 94 120 237 272 299 400 409 417 438 473 614 780',
    (inputs) => inputs.map((list) => mapItems(list, tuple)),
  ],
  ['75 413 444 753', first((list) => mapItems(list, tuple))],
  ['106 750', ([head, tail, ...rest]) => (head && tail ? [head, tuple(tail), ...rest] : [])],
  [
    '115',
    // An empty item becomes an empty dict there, not an empty set.
    first((list) =>
      mapItems(list, (item) =>
        item.type === 'list' && item.items.length > 0
          ? { type: 'set', items: item.items }
          : { type: 'dict', entries: [] },
      ),
    ),
  ],
  ['124', ([real, complex]) => [{ type: 'float', value: number(text(real)) }, toComplex(complex)]],
  ['250 405 446 617 720 763 808 307', first(tuple)],
  ['259 401 445', (inputs) => inputs.map((list) => tuple(mapItems(list, tuple)))],
  [
    '278',
    (inputs) =>
      inputs.map((list) =>
        tuple(mapItems(list, (item) => (item.type === 'list' ? tuple(item) : item))),
      ),
  ],
  [
    '722',
    first((dict) => {
      if (dict.type !== 'dict') throw new Error(`a dict is expected where there is a ${dict.type}`);
      return {
        type: 'dict',
        entries: dict.entries.map(([key, value]) => [key, tuple(value)] as const),
      };
    }),
  ],
  ['252', ([complex]) => [toComplex(complex)]],
  ['580 615 791', (inputs) => inputs.map(deepTuple)],
];

const CONVERT: ReadonlyMap<number, Convert> = new Map(
  GROUPS.flatMap(([ids, convert]) => ids.split(' ').map((id) => [Number(id), convert] as const)),
);

/** The arguments of one call as EvalPlus hands them to task `id` of MBPP+. */
export function mbppArguments(id: number, inputs: Arguments): Arguments {
  return CONVERT.get(id)?.(inputs) ?? inputs;
}
