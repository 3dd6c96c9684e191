import type { RunConfig } from '../schema/config.ts';
import { METHODS } from '../settings/methods.ts';

/** `SRRL · nano · starter · seed 1`. */
export function describeRun({ method, model, dataset, seed }: RunConfig): string {
  return `${METHODS[method].title} · ${model} · ${dataset} · seed ${seed}`;
}
