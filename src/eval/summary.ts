import { bootstrap95, mean, passAtK, smallSampleLabel, wilson95 } from '../lib/stats.ts';
import type { EvaluationSummary, Rates } from '../schema/evaluation.ts';
import { rewardOf } from '../schema/verdict.ts';
import type { Graded } from './context.ts';

/** An answer as far as rates need it. */
export interface RatedAnswer {
  readonly problem: { readonly id: string };
  readonly graded: Pick<Graded, 'verdict' | 'parts'>;
}

export interface About {
  readonly model: string | null;
  readonly adapter: string | null;
  readonly dataset: string;
  /** Samples a problem. */
  readonly samples: number;
  readonly seed: number;
  /** Seconds. */
  readonly wall: number;
}

/**
 * One answer a problem: Wilson's interval; several: mean of per-problem means and a cluster
 * bootstrap.
 */
export function evaluationSummary(
  answers: readonly RatedAnswer[],
  about: About,
): EvaluationSummary {
  const status = (name: string) =>
    answers.filter((answer) => answer.graded.verdict.status === name).length;
  const plus = answers.some((answer) => answer.graded.parts)
    ? ratesOf(answers, about, 'plus')
    : null;
  const base = ratesOf(answers, about, 'base');
  const label = smallSampleLabel(base.problems);
  return {
    version: 1,
    model: about.model,
    adapter: about.adapter,
    dataset: about.dataset,
    samples_per_problem: about.samples,
    base,
    ...(plus === null ? {} : { plus }),
    ...(label === null ? {} : { label }),
    timeouts: status('timeout'),
    crashes: status('crash'),
    infra: status('infra'),
    wall_s: about.wall,
  };
}

function ratesOf(
  answers: readonly RatedAnswer[],
  { samples: k, seed }: About,
  part: 'base' | 'plus',
): Rates {
  const rewards = new Map<string, number[]>();
  for (const { problem, graded } of answers) {
    const reward = rewardBy(graded, part);
    if (!rewards.has(problem.id)) rewards.set(problem.id, []);
    if (reward !== null) rewards.get(problem.id)!.push(reward);
  }
  const judged = [...rewards.values()].filter((r) => r.length > 0);
  const counts = judged.map((r) => r.reduce((a, b) => a + b, 0));
  const means = judged.map((r) => mean(r));
  const passes = counts.reduce((a, b) => a + b, 0);
  return {
    problems: judged.length,
    passes,
    'pass@1': mean(means),
    ...(k > 1 && judged.every((r) => r.length >= k)
      ? { [`pass@${k}`]: mean(judged.map((r, i) => passAtK(r.length, counts[i]!, k))) }
      : {}),
    ci95: k === 1 ? wilson95(passes, judged.length) : bootstrap95(means, seed),
  };
}

/** Null where nobody knows: the sandbox failed, or an assert ran in-process. */
function rewardBy({ verdict, parts }: RatedAnswer['graded'], part: 'base' | 'plus'): 0 | 1 | null {
  if (parts === undefined) return rewardOf(verdict);
  if (parts[part] === 'infra') return null;
  return parts[part] === 'pass' ? 1 : 0;
}
