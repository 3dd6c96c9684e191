import * as v from 'valibot';
import { LORA_TARGETS } from '../model/engine.ts';
import { RunConfig, type Method } from '../schema/config.ts';
import { presetValues } from '../settings/presets.ts';
import { COMMON } from '../settings/run.ts';

/** The preset of (method, model), every value written out; src/settings has them with sources. */
export function presetOf(method: Method, model: string): RunConfig {
  const { lora, ...values } = presetValues(method, model);
  return v.parse(RunConfig, {
    version: 1,
    method,
    model,
    adapter: null,
    dataset: 'starter',
    weights: null,
    ...values,
    lora: { ...lora, targets: [...LORA_TARGETS] },
  });
}

/** Problems of the comparisons in the sources: SRRL's "quick", and "full" on MBPP. */
const SIZES = { quick: { train: 30, test: 30 }, full: { train: 200, test: 224 } } as const;
export const SIZE_NAMES = ['quick', 'full'] as const satisfies readonly (keyof typeof SIZES)[];

/** A preset on so many problems, with as many steps as see each of them once at least. */
export function sizedPreset(preset: RunConfig, size: keyof typeof SIZES): RunConfig {
  const { train, test } = SIZES[size];
  const steps = preset.steps && Math.max(preset.steps, Math.ceil(train / preset.problemsPerStep));
  return { ...preset, train, test, steps };
}

/**
 * Tokens computed by GRPO steps of nano's preset over the most they could have generated (8 steps,
 * prompts included).
 */
const COMPUTED_SHARE = 13_342 / (8 * 4 * 10 * 96);

/**
 * The budget at which methods are compared when none is given: about what the steps of a GRPO
 * preset compute, prompt and generated, in thousands. Measured with nano (50,000); other models are
 * taken to fill the same share of `maxTokens`.
 */
export function equalTokens(preset: RunConfig): number {
  const most =
    (preset.steps ?? COMMON.steps.standard ?? 0) *
    preset.problemsPerStep *
    preset.group *
    preset.maxTokens;
  return 1000 * Math.max(1, Math.round((COMPUTED_SHARE * most) / 1000));
}
