import type { RunConfig } from '../schema/config.ts';
import type { TokenTotals } from '../schema/events.ts';

/**
 * The learning rate of a step (from 1): it rises over the warm-up steps, the first of which has a
 * share of it already, and falls with the share of the run that is done: steps of all, or computed
 * tokens of the budget, as they were before the step.
 */
export function learningRateOf(config: RunConfig, step: number, totals: TokenTotals): number {
  const { learningRate, steps, budgetTokens, schedule } = config;
  const done =
    steps !== null
      ? (step - 1) / steps
      : budgetTokens !== null
        ? (totals.prompt + totals.generated) / budgetTokens
        : 0;
  const left = 1 - Math.min(1, done);
  const rise = schedule.warmup === 0 ? 1 : Math.min(1, step / schedule.warmup);
  const fall = {
    constant: 1,
    linear: left,
    cosine: (1 + Math.cos(Math.PI * (1 - left))) / 2,
  }[schedule.shape];
  return learningRate * rise * fall;
}
