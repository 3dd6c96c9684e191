import { bootstrap95, mean, passAtK, wilson95, type Interval } from '../lib/stats.ts';
import { rewardOf } from '../schema/verdict.ts';
import type { Answer } from './evaluate.ts';

/** summary.json of an evaluation. */
export interface EvaluationSummary {
  readonly version: 1;
  readonly model: string;
  readonly adapter: string | null;
  readonly dataset: string;
  readonly samples_per_problem: number;
  /** `pass@k`: k the number of samples a problem, when there are several. */
  readonly base: {
    readonly problems: number;
    readonly passes: number;
    readonly 'pass@1': number;
    readonly ci95: Interval;
    readonly [passAtK: `pass@${number}`]: number;
  };
  readonly timeouts: number;
  readonly crashes: number;
  readonly infra: number;
  readonly wall_s: number;
}

/** One answer a problem: Wilson's interval; several: mean of per-problem means and a cluster bootstrap. */
export function evaluationSummary(
  answers: readonly Answer[],
  about: { model: string; adapter: string | null; dataset: string; samples: number; seed: number; wall: number },
): EvaluationSummary {
  const rewards = new Map<string, number[]>();
  for (const { problem, graded } of answers) {
    const reward = rewardOf(graded.verdict);
    if (!rewards.has(problem.id)) rewards.set(problem.id, []);
    if (reward !== null) rewards.get(problem.id)!.push(reward);
  }
  const judged = [...rewards.values()].filter((r) => r.length > 0);
  const counts = judged.map((r) => r.reduce((a, b) => a + b, 0));
  const means = judged.map((r) => mean(r));
  const passes = counts.reduce((a, b) => a + b, 0);
  const k = about.samples;
  const status = (name: string) => answers.filter((answer) => answer.graded.verdict.status === name).length;
  return {
    version: 1,
    model: about.model,
    adapter: about.adapter,
    dataset: about.dataset,
    samples_per_problem: k,
    base: {
      problems: judged.length,
      passes,
      'pass@1': mean(means),
      ...(k > 1 && judged.every((r) => r.length >= k)
        ? { [`pass@${k}`]: mean(judged.map((r, i) => passAtK(r.length, counts[i]!, k))) }
        : {}),
      ci95: k === 1 ? wilson95(passes, judged.length) : bootstrap95(means, about.seed),
    },
    timeouts: status('timeout'),
    crashes: status('crash'),
    infra: status('infra'),
    wall_s: about.wall,
  };
}
