import type { GenerationNeed, TrainingNeed } from '../model/plan/memory-plan.ts';
import { methodOf, type RunConfig } from '../schema/config.ts';
import type { TrainedWork } from '../settings/method.ts';

/**
 * What a step of a run has to compute at most: every answer as long as it may be, every first
 * attempt a failure.
 */
export interface StepWork {
  readonly generations: readonly GenerationNeed[];
  readonly trainings: readonly TrainedWork[];
  /** Sequences evaluated together, before and after. */
  readonly evaluation: GenerationNeed | null;
  readonly training: TrainingNeed;
  readonly adapters: number;
}

/**
 * Tokens that feedback takes in a prompt besides problem and program: verdict lines, error, output.
 * An allowance.
 */
const FEEDBACK_TOKENS = 200;
/** Sequences an evaluation asks for at once, about. */
const EVALUATED = 64;

/**
 * @param promptTokens of the longest plain prompt. @param context tokens of the model's context.
 */
export function stepWork(config: RunConfig, promptTokens: number, context: number): StepWork {
  const { maxTokens, problemsPerStep: problems, group } = config;
  const within = (tokens: number, answer: number) =>
    Math.max(1, Math.min(tokens, context - answer));
  const about = promptTokens + maxTokens + FEEDBACK_TOKENS; // a prompt about a failed attempt
  const ask = (
    prompts: number,
    tokens: number,
    each: number,
    answer = maxTokens,
  ): GenerationNeed => ({
    prompts,
    promptTokens: within(tokens, answer),
    sequences: prompts * each,
    maxTokens: answer,
  });
  const { work, adapters } = methodOf(config);
  const { generations, trainings, parts, teacherTokens } = work({
    problems,
    group,
    maxTokens,
    plain: promptTokens,
    about,
    ask,
  });
  const answers = 1 + config.evalSamples;
  const together = Math.min(config.test, Math.max(1, Math.floor(EVALUATED / answers)));
  return {
    generations,
    trainings,
    evaluation:
      config.test > 0 ? { ...ask(together, promptTokens, answers), prompts: 2 * together } : null,
    training: {
      longest: Math.max(...trainings.map((work) => work.promptTokens + work.completionTokens - 1)),
      parts,
      teacherTokens,
    },
    adapters: adapters().length,
  };
}
