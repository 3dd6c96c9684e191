import { trained, type MethodDescriptor } from './method.ts';
import { choice, integer, number } from './setting.ts';

const REFLKD = {
  baselines: integer(
    { min: 1, max: 1024 },
    {
      label: 'Attempts',
      symbol: 'n_b',
      help: 'attempts a problem without reflection',
      standard: 4,
      source: 'this lab',
      flag: 'baselines',
      section: 'method',
    },
  ),
  reflections: integer(
    { min: 1, max: 1024 },
    {
      label: 'Reflections K',
      symbol: 'K',
      help: 'reflections on the first failed attempt',
      standard: 2,
      source: 'refl-kd',
      flag: 'reflections',
      section: 'method',
    },
  ),
  retries: integer(
    { min: 1, max: 1024 },
    {
      label: 'Retries per reflection',
      symbol: 'm',
      help: 'retries with each reflection',
      standard: 2,
      source: 'this lab',
      flag: 'retries',
      section: 'method',
    },
  ),
  reflectionTokens: integer(
    { min: 1, max: 131_072 },
    {
      label: 'Max new tokens of a reflection',
      help: 'most new tokens of a reflection',
      standard: 256,
      source: 'this lab',
      nano: 48,
      nanoSource: 'preset of nano: a sentence or two',
      flag: 'reflection-tokens',
      section: 'method',
    },
  ),
  threshold: number(
    { min: 0, max: 1 },
    {
      label: 'Advantage threshold δ',
      symbol: 'δ',
      help: 'advantages within ±δ weigh nothing',
      standard: 0,
      source: 'this lab',
      flag: 'threshold',
      section: 'method',
    },
  ),
  negativeWeight: number(
    { min: 0, max: 1000 },
    {
      label: 'Negative weight λ⁻',
      symbol: 'λ⁻',
      help: 'weight of reflections after which retries passed less',
      standard: 0.5,
      source: 'this lab',
      flag: 'negative-weight',
      section: 'method',
    },
  ),
  beta: number(
    { min: 0, max: 1000 },
    {
      label: 'Reflector KL weight β',
      symbol: 'β_R',
      help: "weight of the reflector's KL to the base model",
      standard: 0.02,
      source: 'this lab',
      flag: 'beta',
      section: 'method',
    },
  ),
  floor: number(
    { min: -1000, max: 0 },
    {
      label: 'Log-prob floor',
      help: 'tokens below this log-prob are not pushed down further, nats',
      standard: Math.log(1e-4),
      source: 'this lab',
      flag: 'floor',
      section: 'method',
    },
  ),
  kd: {
    topK: integer(
      { min: 1, max: 1000 },
      {
        label: 'Teacher’s top k',
        symbol: 'k',
        help: "the teacher's most likely tokens at each position",
        standard: 100,
        source: 'SDPO',
        flag: 'kd-top-k',
        section: 'method',
      },
    ),
    temperature: number(
      { min: 0.01, max: 100 },
      {
        label: 'Distillation temperature τ',
        symbol: 'τ',
        help: 'temperature of teacher and student in the distillation loss',
        standard: 1,
        source: 'this lab',
        flag: 'kd-temperature',
        section: 'method',
      },
    ),
    mode: choice(
      { tail: 'one tail', renorm: 'left out (renorm)' },
      {
        label: 'Mass outside the top k',
        help: 'mass outside the top k',
        standard: 'tail',
        source: 'SDPO',
        flag: 'kd-mode',
        section: 'method',
      },
    ),
    target: choice(
      { retry: 'passing retry', fresh: 'fresh answer' },
      {
        label: 'Distillation target',
        symbol: 'y*',
        help: 'what is distilled: the retry, or a fresh answer',
        standard: 'retry',
        source: 'this lab',
        flag: 'kd-target',
        section: 'method',
      },
    ),
    teacher: choice(
      { snapshot: 'student', ema: 'average student', base: 'base model' },
      {
        label: 'Teacher',
        help: 'whose distribution: the student before the step, its average, or the base model',
        standard: 'snapshot',
        source: 'this lab',
        flag: 'kd-teacher',
        section: 'method',
      },
    ),
    emaDecay: number(
      { min: 0, max: 1 },
      {
        label: 'EMA decay d',
        symbol: 'd',
        help: 'decay of the average student',
        standard: 0.9,
        source: 'this lab',
        flag: 'kd-ema-decay',
        section: 'method',
        when: ['reflkd.kd.teacher', 'ema'],
      },
    ),
  },
} as const;

export const reflkd: MethodDescriptor<typeof REFLKD, 'reflkd'> = {
  title: 'Refl-KD',
  about:
    'A second adapter learns to write reflections after which retries pass; the model is taught ' +
    'those programs without the reflection.',
  control: false,
  part: 'reflkd',
  settings: REFLKD,
  ignores: [],
  shared: ['loss.maskTruncated'],
  kinds: ['attempt', 'reflection', 'retry'],
  phases: ['sample', 'grade', 'reflect', 'retry', 'grade', 'update-reflector', 'distill'],
  curves: ['retries', 'targets', 'reflectorKl'],
  nanoSteps: 14,
  adapters: ({ kd }) =>
    kd.teacher === 'ema' ? ['student', 'reflector', 'teacher'] : ['student', 'reflector'],
  programs: ({ baselines, reflections, retries }) => [baselines, baselines + reflections * retries],
  first: ({ baselines }) => baselines,
  work: (own, { problems, plain, about, ask }) => {
    const { baselines, reflections, retries, reflectionTokens } = own;
    const first = ask(problems, plain, baselines);
    const reflected = ask(problems, about, reflections, reflectionTokens);
    const retried = ask(problems * reflections, about + reflectionTokens, retries);
    // A program that passed is scored under the retry's prompt, then followed without it.
    const taught = { ...retried, prompts: problems, sequences: problems };
    return {
      generations: [first, reflected, retried],
      trainings: [trained(reflected), trained(taught), trained({ ...first, sequences: problems })],
      parts: 1,
      teacherTokens: own.kd.topK,
    };
  },
};
