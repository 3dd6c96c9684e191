import type { Arm } from '../compare/arms.ts';
import { mean } from '../lib/stats.ts';
import { smoothed, type Curve } from './curves.ts';

/**
 * Mean reward of an arm's runs step by step, over the tokens they had computed by then (`steps`
 * holds tokens): the mean over seeds, smoothed, and their range. It ends where the first of its
 * runs does.
 */
export function rewardCurve({ runs }: Pick<Arm, 'runs'>): Curve {
  const length = Math.min(...runs.map((run) => run.updates.length));
  const steps: number[] = [];
  const raw: number[] = [];
  const low: number[] = [];
  const high: number[] = [];
  for (let i = 0; i < length; i++) {
    const updates = runs.map((run) => run.updates[i]!);
    const rewards = updates.map((update) => update.reward);
    steps.push(mean(updates.map(({ totals }) => totals.prompt + totals.generated)));
    raw.push(mean(rewards));
    low.push(Math.min(...rewards));
    high.push(Math.max(...rewards));
  }
  return { steps, raw, smooth: smoothed(raw), against: raw.map(() => null), low, high };
}

/** Smoothed values of `curve` at other places of its axis, linear in between; null outside it. */
export function besideAt({ steps, smooth }: Curve, places: readonly number[]): (number | null)[] {
  return places.map((place) => {
    const right = steps.findIndex((step) => step >= place);
    if (right < 0) return null;
    const after = smooth[right] ?? null;
    if (steps[right] === place) return after;
    const before = smooth[right - 1] ?? null;
    if (before === null || after === null) return null;
    const [from, to] = [steps[right - 1]!, steps[right]!];
    return before + ((after - before) * (place - from)) / (to - from);
  });
}
