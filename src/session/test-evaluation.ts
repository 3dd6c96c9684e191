import type { Problem } from '../data/problem.ts';
import { evaluate, evaluationResult } from '../eval/evaluate.ts';
import { hash32 } from '../lib/rng.ts';
import type { MethodContext } from '../methods/method.ts';
import type { RunConfig } from '../schema/config.ts';
import type { NewEvent } from '../schema/events.ts';

const EVALUATION = 0x6576616c;

/** Evaluates the student on a run's test problems; rejects once `interrupted` says so. */
export async function testEvaluation(
  context: MethodContext,
  config: RunConfig,
  problems: readonly Problem[],
  when: 'before' | 'after',
  interrupted: () => boolean,
): Promise<NewEvent> {
  const seed = hash32(config.seed, EVALUATION); // the same random numbers before and after
  const answers = await evaluate(
    context,
    {
      problems,
      adapter: 'student',
      greedy: true,
      samples: config.evalSamples,
      temperature: config.evalTemperature,
      maxTokens: config.maxTokens,
      seed,
    },
    interrupted,
  );
  return {
    type: 'eval.completed',
    when,
    ...evaluationResult(answers, config.evalTemperature, seed),
  };
}
