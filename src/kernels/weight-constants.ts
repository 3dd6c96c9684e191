import type { WeightPrecision } from '../lib/weight-blocks.ts';

const BITS = { f32: 32, f16: 16, q8: 8, q4: 4 } as const satisfies Record<WeightPrecision, number>;

/** What tells a kernel how its frozen weights are stored (shaders/lib/weights.wgsl). */
export function weightConstants(precision: WeightPrecision): { readonly WEIGHT_BITS: number } {
  return { WEIGHT_BITS: BITS[precision] };
}
