import { GROUPS, LIKELIHOOD, POLICY_GRADIENT, type MethodDescriptor } from './method.ts';

export const randomReward: MethodDescriptor<null, null> = {
  ...GROUPS,
  title: 'Random reward',
  about:
    'GRPO with coin flips for rewards, heads as often as completions pass. What do updates do ' +
    'without a signal?',
  control: true,
  shared: ['group', ...POLICY_GRADIENT],
};

export const rft: MethodDescriptor<null, null> = {
  ...GROUPS,
  title: 'RFT',
  about:
    'Rejection fine-tuning: what passes is imitated, what fails is dropped. What do failures teach?',
  control: true,
  shared: ['group', ...LIKELIHOOD],
};
