import rowsLib from '../../shaders/lib/rows.wgsl';
import hiddenWgsl from '../../shaders/lora_hidden.bwd.wgsl';
import weightWgsl from '../../shaders/lora_weight.bwd.wgsl';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';

/** Gradient with respect to h = x Aᵀ of a fused linear's LoRA term. */
export const loraHiddenBackward: Kernel<
  'rows' | 'cols' | 'rank' | 'segments' | 'segment1' | 'segment2' | 'adapter' | 'scale'
> = {
  name: 'lora_hidden.bwd',
  wgsl: hiddenWgsl,
  lib: [rowsLib],
  grid: (p) => flatGrid(Math.ceil((p.rows * p.segments * p.rank) / 4 / 64)),
  cost: (p) => 2 * p.rows * p.cols * p.rank,
};

/** Gradient of LoRA's A or B, added to what is there. */
export const loraWeightBackward: Kernel<
  'rows' | 'outer' | 'width4' | 'a_stride' | 'c_stride4' | 'segment1' | 'segment2' | 'adapter' | 'scale'
> = {
  name: 'lora_weight.bwd',
  wgsl: weightWgsl,
  lib: [rowsLib],
  grid: (p) => flatGrid(Math.ceil((p.outer * p.width4) / 64)),
  cost: (p) => 8 * p.rows * p.outer * p.width4,
};
