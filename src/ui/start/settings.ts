import type { RunConfig } from '../../schema/config.ts';
import { settingSentence, settingValue, type Setting } from '../parts/settings.ts';

export type SettingKey = 'steps' | 'problemsPerStep' | 'group' | 'temperature' | 'learningRate' | 'seed';

/** The settings the Start screen offers; everything else of the run's configuration stays at its preset. */
export const SETTINGS: readonly Setting<SettingKey>[] = [
  { key: 'steps', label: 'Steps', source: 'optimiser steps, preset of nano', integer: true, min: 1, max: 10_000 },
  { key: 'problemsPerStep', label: 'Problems a step', source: 'preset of nano', integer: true, min: 1, max: 64 },
  { key: 'group', label: 'Completions a problem', source: 'the group G of GRPO', integer: true, min: 2, max: 64 },
  { key: 'temperature', label: 'Temperature', source: 'T of TRL’s GRPO', integer: false, min: 0.05, max: 4 },
  { key: 'learningRate', label: 'Learning rate', source: 'AdamW, preset of nano', integer: false, min: 0, max: 1 },
  { key: 'seed', label: 'Seed', source: 'equal seeds, equal runs', integer: true, min: 0, max: 2 ** 31 - 1 },
];

/** What the user typed over a default, as typed. */
export type Edits = Partial<Record<SettingKey, string>>;

export interface Draft {
  /** Null while a field does not hold a usable number. */
  readonly config: RunConfig | null;
  /** One sentence per wrong field. */
  readonly errors: Partial<Record<SettingKey, string>>;
}

export function draftOf(preset: RunConfig, edits: Edits): Draft {
  const errors: Partial<Record<SettingKey, string>> = {};
  const values: Partial<Record<SettingKey, number>> = {};
  for (const setting of SETTINGS) {
    const text = edits[setting.key];
    if (text === undefined) continue;
    const value = settingValue(setting, text);
    if (value === null) errors[setting.key] = settingSentence(setting);
    else values[setting.key] = value;
  }
  const wrong = Object.keys(errors).length > 0;
  return { config: wrong ? null : { ...preset, ...values }, errors };
}
