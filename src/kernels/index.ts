import type { Kernel } from '../gpu/kernel.ts';
import { accumulate } from './accumulate.ts';
import { adamw, gradNorm, gradNormTotal } from './adamw.ts';
import {
  attention,
  attentionDecode,
  attentionKeyValueBackward,
  attentionKeyValueBackwardTiled,
  attentionQueryBackward,
  attentionQueryBackwardTiled,
  attentionTiled,
} from './attention.ts';
import { embed } from './embed.ts';
import { gatherRows, gatherRowsBackward } from './gather-rows.ts';
import { headNorm, headNormBackward } from './head-norm.ts';
import { kdLoss } from './kd-loss.ts';
import { linear, linearBackward, linearTiled, linearTiledBackward } from './linear.ts';
import {
  linearBlock,
  linearBlockBackward,
  linearGroup,
  linearGroupRows,
  linearSubgroup,
  linearSubgroupBackward,
} from './linear-variants.ts';
import { loraHiddenBackward, loraWeightBackward, loraWeightBackwardSplit } from './lora.ts';
import { rmsNorm, rmsNormBackward } from './rms-norm.ts';
import { rope, ropeBackward } from './rope.ts';
import { sample } from './sample.ts';
import { swiglu, swigluBackward } from './swiglu.ts';
import { tokenLoss } from './token-loss.ts';

/** Every kernel of the lab. Tests are generated from this table, so that none escapes. */
export const KERNELS: readonly Kernel[] = [
  embed,
  rmsNorm,
  rmsNormBackward,
  linear,
  linearBackward,
  linearTiled,
  linearTiledBackward,
  linearGroup,
  linearGroupRows,
  linearBlock,
  linearBlockBackward,
  linearSubgroup,
  linearSubgroupBackward,
  loraHiddenBackward,
  loraWeightBackward,
  loraWeightBackwardSplit,
  headNorm,
  headNormBackward,
  rope,
  ropeBackward,
  attention,
  attentionQueryBackward,
  attentionKeyValueBackward,
  attentionTiled,
  attentionQueryBackwardTiled,
  attentionKeyValueBackwardTiled,
  attentionDecode,
  swiglu,
  swigluBackward,
  gatherRows,
  gatherRowsBackward,
  tokenLoss,
  kdLoss,
  sample,
  accumulate,
  gradNorm,
  gradNormTotal,
  adamw,
];
