import { slice, type Allocator, type BufferView, type GpuMemory } from '../../gpu/memory.ts';
import { NO_SEGMENT } from '../../kernels/linear.ts';
import { elementAt } from '../../lib/defined.ts';
import { Rng } from '../../lib/rng.ts';
import type { ModelConfig } from './config.ts';
import { matrixOf, type WeightMatrix } from './device.ts';
import type { AdapterTensors, LoraConfig, LoraTarget } from './adapter.ts';
import { paddedHeadIndex } from './pad.ts';
import { loraTensorName, projectionSize } from './peft.ts';

/** The four fused products of a layer and the projections each one stacks. */
export const FUSED = {
  qkv: ['q', 'k', 'v'],
  o: ['o'],
  gateUp: ['gate', 'up'],
  down: ['down'],
} as const satisfies Record<string, readonly LoraTarget[]>;
export type FusedName = keyof typeof FUSED;
const FUSED_NAMES = Object.keys(FUSED) as FusedName[];

/**
 * One LoRA pair of a fused product in the flat parameter vector: A is (segments · rank, inner), B
 * is (outer, rank); an output's segment picks the block of A it reads. Offsets in words, multiples
 * of 64.
 */
export interface LoraPair {
  readonly a: number;
  readonly b: number;
  readonly inner: number;
  readonly outer: number;
  readonly segments: number;
  readonly segment1: number;
  readonly segment2: number;
  /** First output and outputs of each stacked projection. */
  readonly parts: readonly {
    readonly target: LoraTarget;
    readonly first: number;
    readonly outputs: number;
  }[];
}

export interface LoraLayout {
  readonly model: ModelConfig;
  readonly config: LoraConfig;
  /** The rank rounded up to a multiple of 4; the padding stays zero, since its gradient is. */
  readonly rank: number;
  readonly layers: readonly Record<FusedName, LoraPair>[];
  readonly words: number;
}

export function loraLayout(model: ModelConfig, config: LoraConfig): LoraLayout {
  const rank = Math.ceil(config.rank / 4) * 4;
  let words = 0;
  const take = (count: number) => {
    const at = words;
    words += Math.ceil(count / 64) * 64;
    return at;
  };
  const pair = (name: FusedName): LoraPair => {
    let first = 0;
    const parts = FUSED[name].map((target) => {
      const part = { target, first, outputs: projectionSize(model, target, model).outputs };
      first += part.outputs;
      return part;
    });
    const inner = projectionSize(model, FUSED[name][0], model).inputs;
    return {
      a: take(parts.length * rank * inner),
      b: take(first * rank),
      inner,
      outer: first,
      segments: parts.length,
      segment1: parts[1]?.first ?? NO_SEGMENT,
      segment2: parts[2]?.first ?? NO_SEGMENT,
      parts,
    };
  };
  const layers = Array.from({ length: model.layers }, () => ({
    qkv: pair('qkv'),
    o: pair('o'),
    gateUp: pair('gateUp'),
    down: pair('down'),
  }));
  return { model, config, rank, layers, words };
}

/** What one adapter holds on the device: parameters, gradient, both Adam moments. */
export function adapterBuffers(memory: Allocator, layout: LoraLayout) {
  const words = (label: string) => memory.alloc(`adapter ${label}`, 4 * layout.words);
  return {
    theta: words('parameters'),
    grad: words('gradient'),
    moment1: words('moment'),
    moment2: words('moment'),
  };
}

/**
 * One adapter on the device: flat parameters, gradient and Adam moments, all `layout.words` long.
 */
export class DeviceAdapter {
  readonly theta: BufferView;
  readonly grad: BufferView;
  readonly moment1: BufferView;
  readonly moment2: BufferView;
  /** Optimiser steps applied. */
  steps = 0;

  constructor(
    readonly memory: GpuMemory,
    readonly layout: LoraLayout,
    /** What rows carry to choose it: 1 student, 2 reflector. */
    readonly index: number,
    parameters: Float32Array,
  ) {
    const { theta, grad, moment1, moment2 } = adapterBuffers(memory, layout);
    [this.theta, this.grad, this.moment1, this.moment2] = [theta, grad, moment1, moment2];
    memory.write(theta, parameters);
  }

  get scale(): number {
    return this.layout.config.alpha / this.layout.config.rank;
  }

  a(pair: LoraPair): WeightMatrix {
    return matrixOf(this.theta, pair.a, pair.segments * this.layout.rank, pair.inner);
  }

  b(pair: LoraPair, firstRow = 0, rows = pair.outer): BufferView {
    return slice(this.theta, pair.b + firstRow * this.layout.rank, rows * this.layout.rank);
  }

  gradA(pair: LoraPair): BufferView {
    return slice(this.grad, pair.a, pair.segments * this.layout.rank * pair.inner);
  }

  gradB(pair: LoraPair): BufferView {
    return slice(this.grad, pair.b, pair.outer * this.layout.rank);
  }

  free(): void {
    for (const view of [this.theta, this.grad, this.moment1, this.moment2]) this.memory.free(view);
  }
}

/** A ~ U(−1/√in, 1/√in) for the targets, B = 0: the adapter changes nothing yet. */
export function freshParameters(layout: LoraLayout, seed: number): Float32Array {
  const theta = new Float32Array(layout.words);
  layout.layers.forEach((layer, l) => {
    FUSED_NAMES.forEach((name, f) => {
      const pair = layer[name];
      pair.parts.forEach((part, s) => {
        if (!layout.config.targets.includes(part.target)) return;
        const rng = new Rng(seed, l, f, s);
        const place = placesOf(layout, pair, s);
        const bound = 1 / Math.sqrt(place.inputs);
        for (let row = 0; row < layout.config.rank; row++)
          for (let col = 0; col < place.inputs; col++)
            theta[place.a(row, col)] = (2 * rng.uniform() - 1) * bound;
      });
    });
  });
  return theta;
}

/** Sizes of part `s` of a pair in PEFT's tensors, and where their entries are in the flat vector. */
function placesOf({ model, rank }: LoraLayout, pair: LoraPair, s: number) {
  const part = elementAt(pair.parts, s);
  const heads = (index: number) => paddedHeadIndex(index, model);
  const same = (index: number) => index;
  const input = part.target === 'o' ? heads : same;
  const output = 'qkv'.includes(part.target) ? heads : same;
  return {
    ...projectionSize(model, part.target),
    a: (row: number, col: number) => pair.a + (s * rank + row) * pair.inner + input(col),
    b: (row: number, col: number) => pair.b + (part.first + output(row)) * rank + col,
  };
}

/**
 * Visits every (PEFT name, shape, index into the flat vector by row and column) of the adapter's
 * targets.
 */
function eachTensor(
  layout: LoraLayout,
  visit: (
    name: string,
    rows: number,
    cols: number,
    index: (row: number, col: number) => number,
  ) => void,
): void {
  const r = layout.config.rank;
  layout.layers.forEach((layer, l) => {
    for (const fused of FUSED_NAMES) {
      const pair = layer[fused];
      pair.parts.forEach((part, s) => {
        if (!layout.config.targets.includes(part.target)) return;
        const { inputs, outputs, a, b } = placesOf(layout, pair, s);
        visit(loraTensorName(l, part.target, 'A'), r, inputs, a);
        visit(loraTensorName(l, part.target, 'B'), outputs, r, b);
      });
    }
  });
}

/** The flat vector as PEFT's tensors. */
export function toTensors(layout: LoraLayout, flat: Float32Array): AdapterTensors {
  const tensors: AdapterTensors = new Map();
  eachTensor(layout, (name, rows, cols, index) => {
    const data = new Float32Array(rows * cols);
    for (let row = 0; row < rows; row++)
      for (let col = 0; col < cols; col++) data[row * cols + col] = flat[index(row, col)] ?? 0;
    tensors.set(name, { shape: [rows, cols], data });
  });
  return tensors;
}

/**
 * PEFT's tensors as the flat vector; throws a sentence when one is missing or has another shape.
 */
export function fromTensors(layout: LoraLayout, tensors: AdapterTensors): Float32Array {
  const flat = new Float32Array(layout.words);
  const used = new Set<string>();
  eachTensor(layout, (name, rows, cols, index) => {
    const tensor = tensors.get(name);
    if (!tensor)
      throw new Error(
        `The adapter lacks ${name}; it was made for another model, or for other target modules.`,
      );
    if (tensor.shape[0] !== rows || tensor.shape[1] !== cols) {
      throw new Error(
        `The adapter's ${name} is ${tensor.shape.join(' × ')}; this model needs ${rows} × ` +
          `${cols}. It was made for another model.`,
      );
    }
    used.add(name);
    for (let row = 0; row < rows; row++)
      for (let col = 0; col < cols; col++)
        flat[index(row, col)] = tensor.data[row * cols + col] ?? 0;
  });
  const extra = [...tensors.keys()].find((name) => !used.has(name));
  if (extra !== undefined)
    throw new Error(
      `The adapter holds ${extra}, which this model has no place for. It was made for another model.`,
    );
  return flat;
}
