import { choice, integer, number, unset } from './setting.ts';

/*
 * What completions are worth: switches that any method with a policy gradient takes, each
 * independent of the others. Published names are rows of them (objectives.ts). docs/methods.md has
 * the formulas.
 */

/** The switches beside those of `LOSS`. */
export const OBJECTIVE = {
  baseline: choice(
    {
      'group-mean': 'mean of the group',
      'leave-one-out': 'mean of the others',
      'batch-mean': 'mean of the batch',
      none: 'none',
    },
    {
      label: 'Baseline',
      symbol: 'b',
      help: 'what is taken off a reward',
      standard: 'group-mean',
      source: 'GRPO',
      flag: 'baseline',
      section: 'loss',
    },
  ),
  scale: choice(
    {
      'group-std': 'std of the group',
      'batch-std': 'std of the batch',
      'centred-batch-std': 'std of the batch, groups centred',
      'group-mean': 'mean of the group',
      none: 'none',
    },
    {
      label: 'Scale',
      symbol: 's',
      help: 'what the difference is divided by',
      standard: 'group-std',
      source: 'GRPO',
      flag: 'scale',
      section: 'loss',
    },
  ),
  ratio: choice(
    { token: 'of each token', sequence: 'of the sequence' },
    {
      label: 'Ratio',
      symbol: 'ρ',
      help: 'new over old probability, of each token or the geometric mean of the completion',
      standard: 'token',
      source: 'GRPO',
      flag: 'ratio',
      section: 'loss',
    },
  ),
  surrogate: choice(
    { clip: 'clip', cispo: 'cispo', sapo: 'sapo', mask: 'mask' },
    {
      label: 'Surrogate',
      help: 'what bounds the ratio',
      standard: 'clip',
      source: 'PPO',
      flag: 'surrogate',
      section: 'loss',
    },
  ),
  ratioCap: unset(
    number(
      { min: 1, max: 1e6 },
      {
        label: 'Ratio cap δ of clip',
        symbol: 'δ_ρ',
        help: 'clip: the largest ratio also where the advantage is negative (two-sided)',
        standard: 4,
        source: 'INTELLECT-2, which takes 4',
        flag: 'ratio-cap',
        section: 'loss',
        when: ['objective.surrogate', 'clip'],
      },
    ),
  ),
  cispoMax: number(
    { min: 0, max: 1e6 },
    {
      label: 'CISPO ε max',
      symbol: 'ε_max',
      help: 'cispo: the largest weight of a token',
      standard: 5,
      source: 'ScaleRL',
      flag: 'cispo-max',
      section: 'loss',
      when: ['objective.surrogate', 'cispo'],
    },
  ),
  sapoPositive: number(
    { min: 0.01, max: 1000 },
    {
      label: 'SAPO τ⁺',
      symbol: 'τ⁺',
      help: 'sapo: temperature where the advantage is positive',
      standard: 1,
      source: 'SAPO',
      flag: 'sapo-positive',
      section: 'loss',
      when: ['objective.surrogate', 'sapo'],
    },
  ),
  sapoNegative: number(
    { min: 0.01, max: 1000 },
    {
      label: 'SAPO τ⁻',
      symbol: 'τ⁻',
      help: 'sapo: temperature elsewhere',
      standard: 1.05,
      source: 'SAPO',
      flag: 'sapo-negative',
      section: 'loss',
      when: ['objective.surrogate', 'sapo'],
    },
  ),
  maskThreshold: number(
    { min: 0, max: 1 },
    {
      label: 'Mask threshold',
      symbol: 'κ',
      help: 'mask: how far a probability may have moved the way its advantage pushes',
      standard: 0.2,
      source: 'DPPO',
      flag: 'mask-threshold',
      section: 'loss',
      when: ['objective.surrogate', 'mask'],
    },
  ),
  kl: choice(
    { k1: 'k1', k2: 'k2', k3: 'k3', 'k3-ratio': 'k3 · ρ' },
    {
      label: 'KL estimator',
      help: 'estimate of the KL that β weighs',
      standard: 'k3',
      source: 'GRPO',
      flag: 'kl',
      section: 'loss',
    },
  ),
  klPlace: choice(
    { loss: 'loss', reward: 'reward', return: 'reward to go' },
    {
      label: 'KL place',
      help: 'where β times the KL goes: into the loss, off the reward, or off each token’s return',
      standard: 'loss',
      source: 'GRPO',
      flag: 'kl-place',
      section: 'loss',
    },
  ),
  correction: choice(
    { token: 'of each token', sequence: 'of the sequence' },
    {
      label: 'Sampler correction',
      help: "trainer's over sampler's probability, of each token or the product of the completion",
      standard: 'token',
      source: 'verl, token level',
      flag: 'correction',
      section: 'loss',
    },
  ),
  correctionMode: choice(
    { truncate: 'truncated', mask: 'masked' },
    {
      label: 'Beyond the correction cap',
      help: 'a correction above C becomes C, or 0',
      standard: 'truncate',
      source: 'TRL, truncated importance sampling',
      flag: 'correction-mode',
      section: 'loss',
    },
  ),
  offPolicyMask: unset(
    number(
      { min: 0, max: 1000 },
      {
        label: 'Off-policy mask δ',
        symbol: 'δ_off',
        help:
          'leave out completions with a negative advantage that lost more than this in mean ' +
          'log-prob since they were sampled',
        standard: 0.5,
        source: 'DeepSeek-V3.2',
        flag: 'off-policy-mask',
        section: 'loss',
      },
    ),
  ),
  overlongBuffer: unset(
    number(
      { min: 0.001, max: 1 },
      {
        label: 'Soft overlong buffer',
        symbol: 'L_buf',
        help: 'the last share of the most new tokens, over which a penalty grows to −1',
        standard: 0.2,
        source: 'DAPO, which takes 0.2',
        flag: 'overlong-buffer',
        section: 'loss',
      },
    ),
  ),
  entropyBonus: number(
    { min: 0, max: 1000 },
    {
      label: 'Entropy bonus',
      symbol: 'c_H',
      help: 'weight of the entropy of each token’s distribution, which is raised',
      standard: 0,
      source: 'PPO, off',
      flag: 'entropy-bonus',
      section: 'loss',
    },
  ),
  entropyTop: number(
    { min: 0.001, max: 1 },
    {
      label: 'Entropy mask',
      help: 'share of the tokens, those of highest entropy, that carry the policy gradient',
      standard: 1,
      source: '80/20, which takes 0.2',
      flag: 'entropy-top',
      section: 'loss',
    },
  ),
  dynamicSampling: unset(
    integer(
      { min: 1, max: 1000 },
      {
        label: 'Dynamic sampling',
        help:
          'problems whose completions all passed or all failed are replaced by the next ones, up ' +
          'to so many draws for each problem of a step',
        standard: 10,
        source: 'DAPO',
        flag: 'dynamic-sampling',
        section: 'loss',
      },
    ),
  ),
} as const;

/** How the learning rate moves. */
export const SCHEDULE = {
  shape: choice(
    { constant: 'constant', linear: 'linear', cosine: 'cosine' },
    {
      label: 'Learning-rate schedule',
      help: 'how the learning rate falls to 0 over the steps or the token budget',
      standard: 'constant',
      source: 'this lab',
      flag: 'lr-schedule',
      section: 'more',
    },
  ),
  warmup: integer(
    { min: 0, max: 1_000_000 },
    {
      label: 'Warm-up steps',
      help: 'steps over which the learning rate rises',
      standard: 0,
      source: 'TRL',
      flag: 'warmup',
      section: 'more',
    },
  ),
} as const;
