import type { Method } from '../schema/config.ts';
import { randomRewardStep, rejectionStep } from './controls.ts';
import { grpoStep } from './grpo.ts';
import type { MethodStep } from './method.ts';
import { reflkdStep } from './reflkd.ts';
import { resampleStep, srrlStep } from './srrl.ts';

export const METHOD_STEPS: Readonly<Record<Method, MethodStep>> = {
  grpo: grpoStep,
  srrl: srrlStep,
  reflkd: reflkdStep,
  resample: resampleStep,
  'random-reward': randomRewardStep,
  rft: rejectionStep,
};
