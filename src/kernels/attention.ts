import keyValueWgsl from '../../shaders/attention_key_value.bwd.wgsl';
import queryWgsl from '../../shaders/attention_query.bwd.wgsl';
import wgsl from '../../shaders/attention.wgsl';
import rowsLib from '../../shaders/lib/rows.wgsl';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';

/** `keys_per_row` is an estimate for cutting submits; the kernels read true counts from the rows. */
type Params = 'rows' | 'heads' | 'kv_heads' | 'scale';

const CONSTANTS = { HEAD_DIM: 32, LANES: 32 };
/** Attended rows are data, not parameters: a typical length keeps the estimate in range. */
const TYPICAL_KEYS = 128;

export const attention: Kernel<Params> = {
  name: 'attention',
  wgsl,
  lib: [rowsLib],
  constants: CONSTANTS,
  grid: (p, c) => flatGrid(Math.ceil((p.rows * p.heads) / Number(c['LANES']))),
  cost: (p) => 128 * TYPICAL_KEYS * p.rows * p.heads,
};

export const attentionQueryBackward: Kernel<Params> = {
  name: 'attention_query.bwd',
  wgsl: queryWgsl,
  lib: [rowsLib],
  constants: CONSTANTS,
  grid: attention.grid,
  cost: (p) => 192 * TYPICAL_KEYS * p.rows * p.heads,
};

export const attentionKeyValueBackward: Kernel<Params> = {
  name: 'attention_key_value.bwd',
  wgsl: keyValueWgsl,
  constants: CONSTANTS,
  grid: (p, c) => flatGrid(Math.ceil((p.rows * p.kv_heads) / Number(c['LANES']))),
  cost: (p) => 256 * TYPICAL_KEYS * p.rows * p.heads,
};
