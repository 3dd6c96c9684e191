import type { Kind, Phase, Trained } from './kinds.ts';
import { OBJECTIVE } from './objective.ts';
import { placed, type Settings, type Values } from './setting.ts';

/** Completions that a step asks for together, at most. */
export interface SampledWork {
  readonly prompts: number;
  readonly promptTokens: number;
  readonly sequences: number;
  readonly maxTokens: number;
}

/** Sequences that a step trains on, or that a teacher follows, together. */
export interface TrainedWork {
  readonly prompts: number;
  readonly promptTokens: number;
  readonly sequences: number;
  readonly completionTokens: number;
}

/** What a step of a method is sized by. */
export interface WorkTools {
  readonly problems: number;
  readonly group: number;
  readonly maxTokens: number;
  /** Tokens of a plain prompt, and of one about a failed attempt. */
  readonly plain: number;
  readonly about: number;
  /** `each` completions of each of `prompts` prompts, of `answer` new tokens (maxTokens). */
  readonly ask: (prompts: number, tokens: number, each: number, answer?: number) => SampledWork;
}

export interface StepSizes {
  readonly generations: readonly SampledWork[];
  readonly trainings: readonly TrainedWork[];
  /** Parts of a loss with a gradient norm each. */
  readonly parts: number;
  /** Likeliest tokens of a teacher at each place; 0 without one. */
  readonly teacherTokens: number;
}

/**
 * A training method, as everything but its step sees it. Adding one takes a descriptor, a line in
 * `METHODS` and a step in src/methods.
 */
export interface MethodDescriptor<
  S extends Settings | null = Settings | null,
  P extends string | null = string | null,
> {
  /** As people write it. */
  readonly title: string;
  /** One sentence of what it does. */
  readonly about: string;
  /** It is what methods are read against, and none itself. */
  readonly control: boolean;
  /** Its own settings, and the part of config.json that holds them. */
  readonly part: P;
  readonly settings: S;
  /** Paths of own settings that it ignores: they are in its part for another method. */
  readonly ignores: readonly string[];
  /** Paths of the shared settings that it listens to besides those every method has. */
  readonly shared: readonly string[];
  readonly kinds: readonly Kind[];
  /** Parts of its step, in order; a step may leave some out. */
  readonly phases: readonly Phase[];
  /** Curves of its own, by their names in src/state/curves.ts. */
  readonly curves: readonly string[];
  /** Steps of nano that compute about as many tokens as GRPO's 30 (measured). */
  readonly nanoSteps?: number;
  /** Adapters that it trains or keeps. */
  adapters(own: OwnOf<S>): readonly Trained[];
  /** Programs a problem: at least, at most. */
  programs(own: OwnOf<S>, group: number): readonly [least: number, most: number];
  /** First attempts a problem. */
  first(own: OwnOf<S>, group: number): number;
  work(own: OwnOf<S>, tools: WorkTools): StepSizes;
}

/** The values of a method's own settings. */
export type OwnOf<S> = S extends Settings ? Values<S> : null;

export const trained = (work: SampledWork): TrainedWork => ({
  prompts: work.prompts,
  promptTokens: work.promptTokens,
  sequences: work.sequences,
  completionTokens: work.maxTokens,
});

/** What methods with one group a problem share. */
export const GROUPS = {
  part: null,
  settings: null,
  ignores: [],
  kinds: ['attempt'],
  phases: ['sample', 'grade', 'update'],
  curves: [],
  adapters: () => ['student'],
  programs: (_: unknown, group: number) => [group, group],
  first: (_: unknown, group: number) => group,
  work: (_: unknown, { problems, group, plain, ask }: WorkTools) => {
    const first = ask(problems, plain, group);
    return { generations: [first], trainings: [trained(first)], parts: 1, teacherTokens: 0 };
  },
} as const satisfies Partial<MethodDescriptor<null, null>>;

/** Paths of the shared settings by what listens to them. */
export const POLICY_GRADIENT = [
  'loss.aggregation',
  'loss.epsLow',
  'loss.epsHigh',
  'loss.beta',
  'loss.updates',
  'loss.correctionCap',
  'loss.maskTruncated',
  ...placed(OBJECTIVE, 'objective.').map(({ path }) => path),
];
export const LIKELIHOOD = ['loss.beta', 'loss.updates', 'loss.maskTruncated'];
