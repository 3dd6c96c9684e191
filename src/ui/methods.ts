import type { Method, RunConfig } from '../schema/config.ts';
import type { Phase, RolloutKind } from '../schema/events.ts';

export interface MethodText {
  readonly name: string;
  /** One sentence of what it does. */
  readonly about: string;
  /** What it is read against, where it is no method of its own. */
  readonly control: boolean;
  /** Kinds of completions it makes. */
  readonly kinds: readonly RolloutKind[];
  /** Parts of its step, in order; a step may leave some out. */
  readonly phases: readonly Phase[];
}

/** What the screens say of a method. */
export const METHOD_TEXT: Record<Method, MethodText> = {
  grpo: {
    name: 'GRPO',
    about:
      'Several answers to one problem are graded together: those better than the group’s mean become likelier.',
    control: false,
    kinds: ['attempt'],
    phases: ['sample', 'grade', 'update'],
  },
  srrl: {
    name: 'SRRL',
    about:
      'What fails is tried again with the sandbox’s report in the prompt; first and second ' +
      'answers are trained on together.',
    control: false,
    kinds: ['attempt', 'refinement'],
    phases: ['sample', 'grade', 'refine', 'grade', 'update'],
  },
  reflkd: {
    name: 'Refl-KD',
    about:
      'A second adapter learns to write reflections after which retries pass; the model is ' +
      'taught those programs without the reflection.',
    control: false,
    kinds: ['attempt', 'reflection', 'retry'],
    phases: ['sample', 'grade', 'reflect', 'retry', 'grade', 'update-reflector', 'distill'],
  },
  resample: {
    name: 'Resample',
    about:
      'SRRL without the report: second answers are fresh ones. What does feedback add to trying again?',
    control: true,
    kinds: ['attempt'],
    phases: ['sample', 'grade', 'retry', 'grade', 'update'],
  },
  'random-reward': {
    name: 'Random reward',
    about:
      'GRPO paid by a coin that falls as often as answers pass. What do updates do without a signal?',
    control: true,
    kinds: ['attempt'],
    phases: ['sample', 'grade', 'update'],
  },
  rft: {
    name: 'RFT',
    about:
      'Rejection fine-tuning: what passes is imitated, what fails is thrown away. What do failures teach?',
    control: true,
    kinds: ['attempt'],
    phases: ['sample', 'grade', 'update'],
  },
};

/** What a completion is called, alone and in number. */
export const KIND_WORDS: Record<RolloutKind, readonly [one: string, many: string]> = {
  attempt: ['attempt', 'attempts'],
  refinement: ['refinement', 'refinements'],
  reflection: ['reflection', 'reflections'],
  retry: ['retry', 'retries'],
};

/** `SRRL · nano · starter · seed 1`. */
export function describeRun({ method, model, dataset, seed }: RunConfig): string {
  return `${METHOD_TEXT[method].name} · ${model} · ${dataset} · seed ${seed}`;
}
