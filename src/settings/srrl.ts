import { POLICY_GRADIENT, trained, type MethodDescriptor } from './method.ts';
import { choice, integer, number } from './setting.ts';

const SRRL = {
  first: integer(
    { min: 1, max: 1024 },
    {
      label: 'First attempts',
      symbol: 'c1',
      help: 'first attempts a problem',
      standard: 2,
      source: 'SRRL',
      flag: 'first',
      section: 'method',
    },
  ),
  refinements: integer(
    { min: 1, max: 1024 },
    {
      label: 'Refinements',
      symbol: 'c2',
      help: 'second answers to each first attempt that failed',
      standard: 4,
      source: 'SRRL',
      flag: 'refinements',
      section: 'method',
    },
  ),
  temperature: number(
    { min: 0.01, max: 10 },
    {
      label: 'Refinement temperature',
      help: 'temperature of refinements',
      standard: 0.3,
      source: 'SRRL',
      flag: 'c2-temperature',
      section: 'method',
    },
  ),
  advantage: choice(
    { pooled: 'pooled', phase: 'by phase' },
    {
      label: 'Advantage normalisation',
      help: 'one mean for first attempts and refinements, or one each',
      standard: 'pooled',
      source: 'this lab',
      flag: 'advantage',
      section: 'method',
    },
  ),
  lambda: number(
    { min: 0, max: 1000 },
    {
      label: 'Refinement weight λ',
      symbol: 'λ_c2',
      help: 'weight of refinements in the loss',
      standard: 1,
      source: 'this lab',
      flag: 'lambda',
      section: 'method',
    },
  ),
} as const;

const SECOND_ANSWERS = {
  part: 'srrl',
  shared: POLICY_GRADIENT,
  curves: ['rescue'],
  adapters: () => ['student'],
  programs: ({ first, refinements }) => [first, first * (1 + refinements)],
  first: ({ first }) => first,
} as const satisfies Partial<MethodDescriptor<typeof SRRL, 'srrl'>>;

export const srrl: MethodDescriptor<typeof SRRL, 'srrl'> = {
  ...SECOND_ANSWERS,
  title: 'SRRL',
  about:
    'What fails is tried again with the sandbox’s report in the prompt; first and second answers ' +
    'are trained on together.',
  control: false,
  settings: SRRL,
  ignores: [],
  kinds: ['attempt', 'refinement'],
  phases: ['sample', 'grade', 'refine', 'grade', 'update'],
  nanoSteps: 20,
  work: ({ first: c1, refinements }, { problems, plain, about, ask }) => {
    const first = ask(problems, plain, c1);
    const again = ask(problems * c1, about, refinements);
    return {
      generations: [first, again],
      trainings: [trained(first), trained(again)],
      parts: 2,
      teacherTokens: 0,
    };
  },
};

export const resample: MethodDescriptor<typeof SRRL, 'srrl'> = {
  ...SECOND_ANSWERS,
  title: 'Resample',
  about:
    'SRRL without the report: second answers are fresh ones. What does feedback add to trying again?',
  control: true,
  settings: {
    ...SRRL,
    refinements: {
      ...SRRL.refinements,
      label: 'Fresh attempts',
      help: 'fresh attempts for each first attempt that failed',
    },
  },
  ignores: ['srrl.temperature', 'srrl.advantage', 'srrl.lambda'],
  kinds: ['attempt'],
  phases: ['sample', 'grade', 'retry', 'grade', 'update'],
  nanoSteps: 36,
  work: ({ first: c1, refinements }, { problems, plain, ask }) => {
    const first = ask(problems, plain, c1);
    const again = ask(problems, plain, c1 * refinements);
    return {
      generations: [first, again],
      trainings: [trained(first), trained(again)],
      parts: 1,
      teacherTokens: 0,
    };
  },
};
