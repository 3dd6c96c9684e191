import type { Rollout, Step } from './step.ts';

/** Completions about some problems of a step. */
export interface Round {
  /** Answers to the plain prompt that come first. */
  readonly first: readonly Rollout[];
  /** Whatever was made after them. */
  readonly second: readonly Rollout[];
}

/**
 * Dynamic sampling (DAPO): completes the step's problems, then as many of the next ones of the
 * seeded order as problems had completions that all passed or all failed, until every place has a
 * problem that tells or the draws are used up (`dynamicSampling` for each problem of a step). What is
 * drawn depends on verdicts alone. Off, it completes the step's problems and no more.
 */
export async function rounds(
  step: Step,
  complete: (problems: readonly number[]) => Promise<Round>,
): Promise<Round> {
  const { dynamicSampling } = step.config.objective;
  const places = step.problems.length;
  let problems: readonly number[] = step.problems.map((_, index) => index);
  let left = (dynamicSampling ?? 0) * places;
  const all = { first: [] as Rollout[], second: [] as Rollout[] };
  while (problems.length > 0) {
    const { first, second } = await complete(problems);
    all.first.push(...first);
    all.second.push(...second);
    const telling = tellingProblems([...all.first, ...all.second]).size;
    problems = step.draw(Math.min(places - telling, left));
    left -= problems.length;
  }
  return all;
}

/** Problems of which some completion passed and another failed. */
export function tellingProblems(rollouts: readonly Rollout[]): Set<number> {
  const withReward = (reward: 0 | 1) =>
    rollouts.filter((rollout) => rollout.reward === reward).map(({ problem }) => problem);
  const failed = new Set(withReward(0));
  return new Set(withReward(1).filter((problem) => failed.has(problem)));
}
