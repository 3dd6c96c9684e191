import { adaptersOf } from './adapters.ts';
import type { GenerationNeed, TrainingNeed } from '../model/plan/plan.ts';
import type { RunConfig } from '../schema/config.ts';

/** Sequences that are trained on, or followed by a teacher, together. */
export interface TrainingWork {
  readonly prompts: number;
  readonly promptTokens: number;
  readonly sequences: number;
  readonly completionTokens: number;
}

/**
 * What a step of a run has to compute at most: every answer as long as it may be, every first
 * attempt a failure.
 */
export interface StepWork {
  readonly generations: readonly GenerationNeed[];
  readonly trainings: readonly TrainingWork[];
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
  const { maxTokens, problemsPerStep: problems, group, srrl, reflkd } = config;
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
  const trained = (need: GenerationNeed): TrainingWork => ({
    prompts: need.prompts,
    promptTokens: need.promptTokens,
    sequences: need.sequences,
    completionTokens: need.maxTokens,
  });
  const { generations, trainings } = ((): Pick<StepWork, 'generations' | 'trainings'> => {
    if (reflkd) {
      const { baselines, reflections, retries, reflectionTokens } = reflkd;
      const first = ask(problems, promptTokens, baselines);
      const reflected = ask(problems, about, reflections, reflectionTokens);
      const retried = ask(problems * reflections, about + reflectionTokens, retries);
      // A program that passed is scored under the retry's prompt, then followed without it.
      const taught = { ...retried, prompts: problems, sequences: problems };
      return {
        generations: [first, reflected, retried],
        trainings: [
          trained(reflected),
          trained(taught),
          trained({ ...first, sequences: problems }),
        ],
      };
    }
    if (srrl) {
      const first = ask(problems, promptTokens, srrl.first);
      const again =
        config.method === 'resample'
          ? ask(problems, promptTokens, srrl.first * srrl.refinements)
          : ask(problems * srrl.first, about, srrl.refinements);
      return { generations: [first, again], trainings: [trained(first), trained(again)] };
    }
    const first = ask(problems, promptTokens, group);
    return { generations: [first], trainings: [trained(first)] };
  })();
  const answers = 1 + config.evalSamples;
  const together = Math.min(config.test, Math.max(1, Math.floor(EVALUATED / answers)));
  return {
    generations,
    trainings,
    evaluation:
      config.test > 0 ? { ...ask(together, promptTokens, answers), prompts: 2 * together } : null,
    training: {
      longest: Math.max(...trainings.map((work) => work.promptTokens + work.completionTokens - 1)),
      parts: config.method === 'srrl' ? 2 : 1,
      teacherTokens: reflkd?.kd.topK ?? 0,
    },
    adapters: adaptersOf(config).length,
  };
}
