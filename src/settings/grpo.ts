import { GROUPS, POLICY_GRADIENT, type MethodDescriptor } from './method.ts';

export const grpo: MethodDescriptor<null, null> = {
  ...GROUPS,
  title: 'GRPO',
  about:
    'Several completions of one problem are graded together: those better than the group’s mean ' +
    'become likelier.',
  control: false,
  shared: ['group', ...POLICY_GRADIENT],
};
