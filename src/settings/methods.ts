import { randomReward, rft } from './controls.ts';
import { grpo } from './grpo.ts';
import { reflkd } from './reflkd.ts';
import { resample, srrl } from './srrl.ts';

/** Every training method, in the order in which they are offered. */
export const METHODS = {
  grpo,
  srrl,
  reflkd,
  resample,
  'random-reward': randomReward,
  rft,
} as const;
export type Method = keyof typeof METHODS;
/** Where none is named, and what others are compared with. */
export const DEFAULT_METHOD: Method = 'grpo';
export const METHOD_NAMES = Object.keys(METHODS) as Method[];
