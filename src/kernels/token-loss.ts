import reduceLib from '../../shaders/lib/reduce.wgsl';
import wgsl from '../../shaders/token_loss.wgsl';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';

/** Words of one token in the `tokens` buffer and of one in `results`; the WGSL names them. */
export const TOKEN_WORDS = 9;
export const RESULT_WORDS = 6;
export const HAS_OLD = 1;
export const HAS_SAMPLER = 2;
export const HAS_REFERENCE = 4;

export const tokenLoss: Kernel<'count' | 'vocab' | 'first' | 'nll' | 'gradient' | 'eps_low' | 'eps_high' | 'cap'> = {
  name: 'token_loss',
  wgsl,
  lib: [reduceLib],
  constants: { LANES: 64 },
  grid: (p) => flatGrid(p.count),
  cost: (p) => 40 * p.count * p.vocab,
};
