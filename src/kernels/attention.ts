import decodeWgsl from '../../shaders/attention_decode.wgsl';
import keyValueWgsl from '../../shaders/attention_key_value.bwd.wgsl';
import keyValueTiledWgsl from '../../shaders/attention_key_value_tiled.bwd.wgsl';
import queryWgsl from '../../shaders/attention_query.bwd.wgsl';
import queryTiledWgsl from '../../shaders/attention_query_tiled.bwd.wgsl';
import tiledWgsl from '../../shaders/attention_tiled.wgsl';
import wgsl from '../../shaders/attention.wgsl';
import {
  flatGrid,
  type GradientCheck,
  type Kernel,
  type KernelCase,
  type ReferenceIo,
} from '../gpu/kernel.ts';
import { packKeys, type KeyReach } from './attention-keys.ts';
import { LIB } from './libraries.ts';
import {
  attended,
  dot,
  floats,
  normals,
  packRows,
  words,
  type Constants,
} from './reference-helpers.ts';
import { mostKeys, type RowState, rowAt } from './rows.ts';

type Params = 'rows' | 'heads' | 'kv_heads' | 'scale' | 'keys';

const FORWARD = [LIB.attention, LIB.rows, LIB.attentionRows, LIB.attentionForward];
const QUERY_BACKWARD = [LIB.attention, LIB.rows, LIB.attentionRows, LIB.attentionQueryBackward];
const KEY_VALUE_BACKWARD = [LIB.attention, LIB.attentionKeyValueBackward];

const CONSTANTS = { HEAD_DIM: 32, LANES: 32 };
/**
 * What a row attends to is data; `keys`, the most that any does, is told for the estimate alone.
 */
const ESTIMATES = ['keys'];
const macs = (p: Readonly<Record<Params, number>>, c: Constants): number =>
  Number(c['HEAD_DIM']) * p.rows * p.heads;

export const attention: Kernel<Params> = {
  name: 'attention',
  wgsl,
  lib: FORWARD,
  constants: CONSTANTS,
  grid: (p, c) => flatGrid(Math.ceil((p.rows * p.heads) / Number(c['LANES']))),
  estimates: ESTIMATES,
  cost: (p, c) => 4 * p.keys * macs(p, c),

  reference(io, p, constants) {
    const [o, stats] = [floats(io, 'o'), floats(io, 'stats')]; // (rows, heads, d), (rows, heads, 2)
    const d = Number(constants['HEAD_DIM']);
    for (const { at, lse, keys } of softmaxes(io, p, d)) {
      for (let i = 0; i < d; i++)
        o[at * d + i] = keys.reduce(
          (sum, key) => sum + key.weight * floats(io, 'v')[key.at * d + i]!,
          0,
        );
      stats[2 * at] = lse;
      stats[2 * at + 1] = 0;
    }
  },

  cases: () => SHAPES.map((s) => attentionCase(s, 'forward')),
};

/** Both backwards are checked against the forward: loss Σ d_o · o as a function of `wrt`. */
function gradientOf(wrt: 'q' | 'k' | 'v', gradient: string): GradientCheck {
  return {
    gradient,
    wrt,
    loss(array, io, params, constants) {
      const o = new Float64Array(floats(io, 'd_o').length);
      const stats = new Float64Array(floats(io, 'stats').length);
      attention.reference({ ...io, [wrt]: array, o, stats }, params, constants);
      return dot(o, floats(io, 'd_o'));
    },
  };
}

export const attentionQueryBackward: Kernel<Params> = {
  name: 'attention_query.bwd',
  wgsl: queryWgsl,
  lib: QUERY_BACKWARD,
  constants: CONSTANTS,
  grid: attention.grid,
  estimates: ESTIMATES,
  cost: (p, c) => 6 * p.keys * macs(p, c),

  reference(io, p, constants) {
    const [k, v, o, upstream] = [
      floats(io, 'k'),
      floats(io, 'v'),
      floats(io, 'o'),
      floats(io, 'd_o'),
    ];
    const [dq, stats] = [floats(io, 'dq'), floats(io, 'stats')];
    const d = Number(constants['HEAD_DIM']);
    dq.fill(0);
    for (const { at, keys } of softmaxes(io, p, d)) {
      const delta = product(upstream, at, o, at, d);
      for (const key of keys) {
        const dScore = key.weight * (product(upstream, at, v, key.at, d) - delta) * p.scale;
        for (let i = 0; i < d; i++) dq[at * d + i]! += dScore * k[key.at * d + i]!;
      }
      stats[2 * at + 1] = delta;
    }
  },

  cases: () => SHAPES.map((s) => attentionCase(s, 'query')),
  gradients: [gradientOf('q', 'dq')],
};

export const attentionKeyValueBackward: Kernel<Params> = {
  name: 'attention_key_value.bwd',
  wgsl: keyValueWgsl,
  lib: KEY_VALUE_BACKWARD,
  constants: CONSTANTS,
  grid: (p, c) => flatGrid(Math.ceil((p.rows * p.kv_heads) / Number(c['LANES']))),
  estimates: ESTIMATES,
  // Few keys a row do not make it cheap: all rows may attend to the same few, whose workgroups then
  // go over all of them.
  cost: (p, c) => 8 * p.rows * macs(p, c),

  // From the rows' own attention lists; the kernel goes by `keys`, which say the same from the
  // keys' side.
  reference(io, p, constants) {
    const [q, v, upstream, stats] = [
      floats(io, 'q'),
      floats(io, 'v'),
      floats(io, 'd_o'),
      floats(io, 'stats'),
    ];
    const [dk, dv] = [floats(io, 'dk'), floats(io, 'dv')];
    const d = Number(constants['HEAD_DIM']);
    dk.fill(0);
    dv.fill(0);
    for (const { at, keys } of softmaxes(io, p, d)) {
      for (const key of keys) {
        const dScore =
          key.weight * (product(upstream, at, v, key.at, d) - stats[2 * at + 1]!) * p.scale;
        for (let i = 0; i < d; i++) {
          dk[key.at * d + i]! += dScore * q[at * d + i]!;
          dv[key.at * d + i]! += key.weight * upstream[at * d + i]!;
        }
      }
    }
  },

  cases: () => SHAPES.filter((s) => !s.cache).map((s) => attentionCase(s, 'key-value')),
  gradients: [gradientOf('k', 'dk'), gradientOf('v', 'dv')],
};

/** Queries or keys of a tile. */
const TILE = 32;
const CONSTANTS_OF_TILES = { HEAD_DIM: 32 };
const perQueryTile: typeof attention.grid = (p) =>
  flatGrid(Math.ceil((p.rows * p.heads) / p.kv_heads / TILE) * p.kv_heads);

/** The same for many rows, a workgroup a tile of queries; for training and prompts. */
export const attentionTiled: Kernel<Params> = {
  ...attention,
  name: 'attention_tiled',
  wgsl: tiledWgsl,
  lib: [...FORWARD, LIB.attentionTile, LIB.attentionQueries],
  constants: CONSTANTS_OF_TILES,
  grid: perQueryTile,
  cases: () => tileCases('forward', 36),
};

export const attentionQueryBackwardTiled: Kernel<Params> = {
  ...attentionQueryBackward,
  name: 'attention_query_tiled.bwd',
  wgsl: queryTiledWgsl,
  lib: [...QUERY_BACKWARD, LIB.attentionTile, LIB.attentionQueries],
  constants: CONSTANTS_OF_TILES,
  grid: perQueryTile,
  cases: () => tileCases('query'),
};

export const attentionKeyValueBackwardTiled: Kernel<Params> = {
  ...attentionKeyValueBackward,
  name: 'attention_key_value_tiled.bwd',
  wgsl: keyValueTiledWgsl,
  lib: [...KEY_VALUE_BACKWARD, LIB.attentionTile],
  constants: CONSTANTS_OF_TILES,
  grid: (p) => flatGrid(Math.ceil(p.rows / TILE) * p.kv_heads),
  cases: () => tileCases('key-value'),
};

/**
 * The same for few rows with many keys: a workgroup a row, key head and four of its query heads.
 */
export const attentionDecode: Kernel<Params> = {
  ...attention,
  name: 'attention_decode',
  wgsl: decodeWgsl,
  constants: CONSTANTS_OF_TILES,
  grid: (p) => flatGrid(p.rows * p.kv_heads * Math.ceil(p.heads / p.kv_heads / 4)),
  cases: () => tileCases('forward'),
};

/**
 * For every row and head: its index, the log-sum-exp of its scores, and each attended key/value
 * head with its weight.
 */
function* softmaxes(io: ReferenceIo, p: Readonly<Record<Params, number>>, d: number) {
  const [q, k] = [floats(io, 'q'), floats(io, 'k')]; // (rows, heads, d), (kv rows, kv_heads, d)
  for (let row = 0; row < p.rows; row++) {
    const kvRows = attended(rowAt(words(io, 'rows'), row));
    for (let head = 0; head < p.heads; head++) {
      const at = row * p.heads + head;
      const kvHead = Math.floor(head / (p.heads / p.kv_heads));
      const scored = kvRows.map((kvRow) => {
        const keyAt = kvRow * p.kv_heads + kvHead;
        return { at: keyAt, score: p.scale * product(q, at, k, keyAt, d) };
      });
      const largest = Math.max(...scored.map((key) => key.score));
      const lse =
        largest + Math.log(scored.reduce((sum, key) => sum + Math.exp(key.score - largest), 0));
      yield {
        at,
        lse,
        keys: scored.map((key) => ({ at: key.at, weight: Math.exp(key.score - lse) })),
      };
    }
  }
}

/** a[i] · b[j] for vectors of d values. */
function product(a: Float64Array, i: number, b: Float64Array, j: number, d: number): number {
  let sum = 0;
  for (let k = 0; k < d; k++) sum += a[i * d + k]! * b[j * d + k]!;
  return sum;
}

type Kind = 'forward' | 'query' | 'key-value';

interface Shape {
  readonly title: string;
  /** Prefix length and lengths of the completions that share it. */
  readonly trees: readonly (readonly [prefix: number, completions: readonly number[]])[];
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly lanes?: number;
  /** Scale of q and k: large scores test the shift by the maximum. */
  readonly spread?: number;
  /** One decode row a completion against a key/value cache, instead of all rows at once. */
  readonly cache?: boolean;
}

const SHAPES: readonly Shape[] = [
  { title: 'one row that sees itself', trees: [[0, [1]]], heads: 1, kvHeads: 1, headDim: 4 },
  { title: 'completions without a prefix', trees: [[0, [7, 2]]], heads: 4, kvHeads: 2, headDim: 8 },
  {
    title: 'a prefix that completions of 1, 3 and 9 tokens share',
    trees: [[5, [1, 3, 9]]],
    heads: 6,
    kvHeads: 2,
    headDim: 12,
    lanes: 4,
  },
  {
    title: 'two groups and a prefix alone',
    trees: [
      [3, [2, 5]],
      [4, []],
      [1, [6]],
    ],
    heads: 3,
    kvHeads: 1,
    headDim: 32,
    spread: 3,
  },
  {
    title: 'seven query heads a key head, beyond a workgroup',
    trees: [[11, [17, 4]]],
    heads: 14,
    kvHeads: 2,
    headDim: 20,
  },
  {
    title: 'heads of 128, several tiles of rows and keys',
    trees: [[35, [2, 9]]],
    heads: 2,
    kvHeads: 1,
    headDim: 128,
  },
  {
    title: 'a long cache',
    trees: [[150, [120, 1]]],
    heads: 3,
    kvHeads: 1,
    headDim: 128,
    cache: true,
  },
  {
    title: 'decoding against a cache',
    trees: [[9, [3, 8, 1]]],
    heads: 4,
    kvHeads: 4,
    headDim: 16,
    cache: true,
  },
];

/**
 * Rows in order: each tree's prefix, then its completions; `keys` says for each row who attends to
 * it.
 */
function treeRows(trees: Shape['trees']): { states: Partial<RowState>[]; keys: Uint32Array } {
  const states: Partial<RowState>[] = [];
  const keys: KeyReach[] = [];
  for (const [prefixLen, completions] of trees) {
    const prefixStart = states.length;
    const childrenStart = prefixStart + prefixLen;
    const childrenEnd = childrenStart + completions.reduce((sum, length) => sum + length, 0);
    for (let i = 0; i < prefixLen; i++) {
      states.push({ kv: prefixStart + i, ownStart: prefixStart, ownLen: i + 1 });
      keys.push({ ownEnd: childrenStart, childrenStart, childrenEnd });
    }
    for (const length of completions) {
      const ownStart = states.length;
      for (let i = 0; i < length; i++) {
        states.push({ kv: ownStart + i, prefixStart, prefixLen, ownStart, ownLen: i + 1 });
        keys.push({ ownEnd: ownStart + length, childrenStart: 0, childrenEnd: 0 });
      }
    }
  }
  return { states, keys: packKeys(keys) };
}

/**
 * Shapes for kernels whose workgroup has a size of its own, at one head dimension: software
 * adapters take seconds to compile such a kernel.
 */
function tileCases(kind: Kind, headDim = 128): KernelCase<Params>[] {
  return SHAPES.filter((s) => !s.cache || kind !== 'key-value').map((s) => {
    const { constants: _, ...rest } = attentionCase({ ...s, headDim }, kind);
    return { ...rest, constants: { HEAD_DIM: headDim } };
  });
}

function attentionCase(s: Shape, kind: Kind): KernelCase<Params> {
  const normal = normals(s.heads, s.headDim, s.trees.length);
  const { states, keys } = treeRows(s.trees);
  // A decode row is the last of its completion.
  const queries = s.cache
    ? states.filter(
        (state, i) => state.prefixLen !== undefined && states[i + 1]?.ownStart !== state.ownStart,
      )
    : states;
  const size = queries.length * s.heads * s.headDim;
  const kvSize = states.length * s.kvHeads * s.headDim;
  const rows = packRows(queries);
  const params = {
    rows: queries.length,
    heads: s.heads,
    kv_heads: s.kvHeads,
    scale: 1 / Math.sqrt(s.headDim),
    keys: mostKeys(rows),
  };
  const constants = { HEAD_DIM: s.headDim, LANES: s.lanes ?? 32 };
  const forward = {
    q: normal(size, s.spread ?? 1),
    k: normal(kvSize, s.spread ?? 1),
    v: normal(kvSize),
    rows,
    o: normal(size),
    stats: normal(2 * queries.length * s.heads),
  };
  if (kind === 'forward') return { title: s.title, params, constants, io: forward };

  const io = {
    ...forward,
    d_o: normal(size),
    dq: normal(size),
    dk: normal(kvSize),
    dv: normal(kvSize),
    keys,
  };
  Object.assign(io, outputsOf(attention, io, params, constants, ['o', 'stats']));
  if (kind === 'key-value')
    Object.assign(io, outputsOf(attentionQueryBackward, io, params, constants, ['stats']));
  return { title: s.title, params, constants, io };
}

/** What an earlier kernel leaves for a later one, by its reference. */
function outputsOf(
  kernel: Kernel<Params>,
  io: KernelCase['io'],
  params: Record<Params, number>,
  constants: Constants,
  names: readonly string[],
): Record<string, Float32Array> {
  const copy: ReferenceIo = Object.fromEntries(
    Object.entries(io).map(([name, array]) => [
      name,
      array instanceof Float32Array ? Float64Array.from(array) : array,
    ]),
  );
  kernel.reference(copy, params, constants);
  return Object.fromEntries(names.map((name) => [name, Float32Array.from(floats(copy, name))]));
}
