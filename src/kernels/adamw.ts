import wgsl from '../../shaders/adamw.wgsl';
import normWgsl from '../../shaders/grad_norm.wgsl';
import totalWgsl from '../../shaders/grad_norm_total.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import { LIB } from './libraries.ts';
import { floats, normals } from './reference-helpers.ts';

/** Gradient entries one workgroup of `gradNorm` sums. */
export const NORM_CHUNK = 4096;

type NormParams = 'count' | 'per_group';
type AdamParams =
  | 'count'
  | 'learning_rate'
  | 'beta1'
  | 'beta2'
  | 'epsilon'
  | 'weight_decay'
  | 'clip_norm'
  | 'correction1'
  | 'correction2';

export const gradNorm: Kernel<NormParams> = {
  name: 'grad_norm',
  wgsl: normWgsl,
  lib: [LIB.reduce],
  constants: { LANES: 64 },
  grid: (p) => flatGrid(Math.ceil(p.count / p.per_group)),
  cost: (p) => 4 * p.count,

  reference(io, p) {
    const [grad, partials] = [floats(io, 'grad'), floats(io, 'partials')]; // (count), (groups, 2)
    for (let group = 0; group * p.per_group < p.count; group++) {
      const chunk = grad.slice(group * p.per_group, Math.min(p.count, (group + 1) * p.per_group));
      const finite = chunk.filter((value) => Number.isFinite(value));
      // Rounded, because a sum beyond f32 is an infinity on the device.
      partials[2 * group] = Math.fround(finite.reduce((sum, value) => sum + value * value, 0));
      partials[2 * group + 1] = chunk.length - finite.length;
    }
  },

  cases() {
    const make = (
      title: string,
      count: number,
      perGroup: number,
      poison: Readonly<Record<number, number>> = {},
    ): KernelCase<NormParams> => {
      const grad = normals(count, perGroup)(count);
      for (const [index, value] of Object.entries(poison)) grad[Number(index)] = value;
      const partials = new Float32Array(2 * Math.ceil(count / perGroup)).fill(-1);
      return { title, params: { count, per_group: perGroup }, io: { grad, partials } };
    };
    return [
      make('one entry', 1, NORM_CHUNK),
      make('a short last chunk', 9001, NORM_CHUNK),
      make(
        'a gradient of zeros',
        70,
        32,
        Object.fromEntries(Array.from({ length: 70 }, (_, i) => [i, 0])),
      ),
      make('NaN and both infinities, each in its chunk', 200, 64, {
        3: NaN,
        70: Infinity,
        71: -Infinity,
        199: NaN,
      }),
      make('a square that overflows', 70, 33, { 40: 1e30 }),
      make('more chunks than one grid axis holds', 65_600, 1),
    ];
  },
};

export const gradNormTotal: Kernel<'groups'> = {
  name: 'grad_norm_total',
  wgsl: totalWgsl,
  lib: [LIB.reduce],
  constants: { LANES: 64 },
  grid: () => [1, 1, 1],
  cost: (p) => 4 * p.groups,

  reference(io, p) {
    const [partials, norm] = [floats(io, 'partials'), floats(io, 'norm')]; // (groups, 2), (2)
    let [sum, bad] = [0, 0];
    for (let group = 0; group < p.groups; group++) {
      sum += partials[2 * group]!;
      bad += partials[2 * group + 1]!;
    }
    sum = Math.fround(sum);
    norm[0] = Math.sqrt(sum);
    norm[1] = bad + (Number.isFinite(sum) ? 0 : 1);
  },

  cases() {
    const make = (
      title: string,
      groups: number,
      edit: (partials: Float32Array) => void = () => undefined,
    ): KernelCase<'groups'> => {
      const partials = normals(groups)(2 * groups).map((value, i) =>
        i % 2 === 0 ? value * value : 0,
      );
      edit(partials);
      return { title, params: { groups }, io: { partials, norm: new Float32Array(2).fill(-1) } };
    };
    return [
      make('one group', 1),
      make('beyond a workgroup', 201),
      make('zeros', 5, (partials) => void partials.fill(0)),
      make('entries that are not finite are counted', 67, (partials) =>
        partials.set([3, 0, 0, 0, 1], 1),
      ),
      make('an overflowed partial sum counts as one', 7, (partials) => partials.set([Infinity], 4)),
      make('a sum of partials that overflows counts as one', 7, (partials) =>
        partials.set([3e38, 0, 3e38], 4),
      ),
    ];
  },
};

export const adamw: Kernel<AdamParams> = {
  name: 'adamw',
  wgsl,
  grid: (p) => flatGrid(Math.ceil(p.count / 64)),
  cost: (p) => 20 * p.count,

  reference(io, p) {
    const [grad, norm] = [floats(io, 'grad'), floats(io, 'norm')];
    const [theta, moment1, moment2] = [
      floats(io, 'theta'),
      floats(io, 'moment1'),
      floats(io, 'moment2'),
    ];
    if (norm[1]! > 0) return;
    for (let i = 0; i < p.count; i++) {
      const g = grad[i]! * Math.min(1, p.clip_norm / (norm[0]! + 1e-6));
      moment1[i] = p.beta1 * moment1[i]! + (1 - p.beta1) * g;
      moment2[i] = p.beta2 * moment2[i]! + (1 - p.beta2) * g * g;
      const direction =
        moment1[i]! / p.correction1 / (Math.sqrt(moment2[i]! / p.correction2) + p.epsilon);
      theta[i] = theta[i]! - p.learning_rate * (direction + p.weight_decay * theta[i]!);
    }
  },

  cases() {
    const hyper = {
      learning_rate: 0.3,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weight_decay: 0.1,
      clip_norm: 1e9,
    };
    const make = (
      title: string,
      count: number,
      step: number,
      norm: readonly [norm: number, bad: number],
      changes: Partial<Record<AdamParams, number>> = {},
      gradientScale = 3,
    ): KernelCase<AdamParams> => {
      const normal = normals(count, step);
      const p = { ...hyper, ...changes };
      return {
        title,
        params: { count, ...p, correction1: 1 - p.beta1 ** step, correction2: 1 - p.beta2 ** step },
        tolerance: 2e-5,
        io: {
          grad: normal(count, gradientScale),
          norm: Float32Array.from(norm),
          theta: normal(count),
          moment1: step === 1 ? new Float32Array(count) : normal(count),
          moment2:
            step === 1 ? new Float32Array(count) : normal(count).map((value) => value * value),
        },
      };
    };
    return [
      make('one parameter, first step', 1, 1, [3, 0]),
      make('odd, beyond a workgroup, tenth step', 201, 10, [40, 0]),
      make('a norm above the limit is scaled down to it', 65, 3, [24, 0], { clip_norm: 2 }),
      make('a norm below the limit is left alone', 65, 3, [24, 0], { clip_norm: 30 }),
      make('a gradient that is not finite changes nothing', 65, 2, [24, 3]),
      make('zero gradient on fresh moments: weight decay alone', 65, 1, [0, 0], {}, 0),
      make('an epsilon that matters', 65, 2, [0.1, 0], { epsilon: 0.5, weight_decay: 0 }, 0.1),
    ];
  },
};
