import randomLib from '../../shaders/lib/random.wgsl';
import reduceLib from '../../shaders/lib/reduce.wgsl';
import rowsLib from '../../shaders/lib/rows.wgsl';
import wgsl from '../../shaders/sample.wgsl';
import type { Kernel } from '../gpu/kernel.ts';

/** Words of one slot's state and of one sampled token; the WGSL names them. */
export const SLOT_WORDS = 16;
export const SAMPLED_WORDS = 4;
export const MAX_STOP_IDS = 7;

export const sample: Kernel<'slots' | 'vocab' | 'step'> = {
  name: 'sample',
  wgsl,
  lib: [rowsLib, reduceLib, randomLib],
  constants: { LANES: 64, FILTER: false },
  grid: (p) => [p.slots, 1, 1],
  cost: (p) => 200 * p.slots * p.vocab,
};
