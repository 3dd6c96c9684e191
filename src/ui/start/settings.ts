import * as v from 'valibot';
import { RunConfig } from '../../schema/config.ts';
import {
  OBJECTIVE_NAMES,
  objectiveOf,
  objectiveRefusal,
  withObjective,
} from '../../settings/objectives.ts';
import { settingsOf as declaredFor } from '../../settings/presets.ts';
import {
  acceptsSentence,
  at,
  valueOf,
  withAt,
  wordOf,
  type PlacedSetting,
  type Section,
  type Setting,
} from '../../settings/setting.ts';
import type { Choice, Setting as NumberField } from '../parts/settings.ts';

/** `budget`: what ends the run. Everything else is a field of the configuration, by its path. */
export type SettingKey = string;

interface Shown {
  readonly section: Section;
  /** Shown only while another setting has this word. */
  readonly when?: readonly [key: SettingKey, word: string] | undefined;
  /** Null of `budget`, which is no field of the configuration. */
  readonly setting: Setting<unknown> | null;
}
/** A field of the form: a setting of src/settings, or what ends the run. */
export type RunSetting = Shown & (NumberField<SettingKey> | Choice<SettingKey>);

const BUDGET: RunSetting = {
  key: 'budget',
  label: 'Ends after',
  source: 'methods compare at equal tokens',
  section: 'run',
  setting: null,
  options: [
    { value: 'steps', label: 'steps' },
    { value: 'tokens', label: 'tokens' },
  ],
};

/** The preset that the switches of the loss start from. */
const OBJECTIVE: RunSetting = {
  key: 'objective',
  label: 'Objective',
  source: 'sets every switch below as its source has it; what you change stays changed',
  section: 'loss',
  setting: null,
  options: OBJECTIVE_NAMES.map((name) => ({ value: name, label: name })),
};

/** What the user typed over a default, as typed; kept when the method changes. */
export type Edits = Readonly<Partial<Record<SettingKey, string>>>;

export interface Draft {
  /** Null while a field does not hold a usable number. */
  readonly config: RunConfig | null;
  /** One sentence per wrong field. */
  readonly errors: Readonly<Partial<Record<SettingKey, string>>>;
  /** The settings of the method as they stand, in their order. */
  readonly settings: readonly RunSetting[];
}

/** The default of a setting, as text. */
export function standardOf(preset: RunConfig, { key, setting }: RunSetting): string {
  if (key === 'objective') return objectiveOf(preset) ?? 'default';
  if (setting === null) return preset.budgetTokens === null ? 'steps' : 'tokens';
  const value = at(preset, key);
  const nano = preset.model === 'nano' && setting.nano !== undefined;
  // Of the two that end a run one is null in every preset; the form offers its usual value.
  const usual = nano ? setting.nano : setting.standard;
  return wordOf(setting, value === null && setting.off === null ? usual : value);
}

/** The fields of a method's form, as they are for a model. */
export function settingsOf({ method, model }: Pick<RunConfig, 'method' | 'model'>): RunSetting[] {
  const fields = declaredFor(method).map((placed) => fieldOf(placed, model === 'nano'));
  const first = fields.findIndex(({ section }) => section === 'loss');
  const switched = fields.some(({ key }) => key === 'objective.baseline');
  return [BUDGET, ...(switched ? fields.toSpliced(first, 0, OBJECTIVE) : fields)];
}

function fieldOf({ path, setting }: PlacedSetting, nano: boolean): RunSetting {
  const { label, help, source, nanoSource, section, when, accepts } = setting;
  const from = (nano ? nanoSource : undefined) ?? source;
  const shown = { key: path, label, source: `${help}; ${from}`, section, when, setting };
  if (accepts.kind === 'number') return { ...shown, ...accepts };
  const options = Object.entries(accepts.words).map(([value, word]) => ({ value, label: word }));
  return { ...shown, options };
}

/** A preset with the switches of the objective that was chosen. */
export function startingAt(preset: RunConfig, { objective }: Edits): RunConfig {
  const name = OBJECTIVE_NAMES.find((known) => known === objective);
  return name === undefined ? preset : withObjective(preset, name);
}

export function draftOf(start: RunConfig, edits: Edits): Draft {
  const preset = startingAt(start, edits);
  const offered = settingsOf(preset);
  const textOf = (field: RunSetting) => edits[field.key] ?? standardOf(preset, field);
  const holds = ([key, word]: readonly [string, string]) =>
    offered.some((other) => other.key === key && textOf(other) === word);
  const settings = offered.filter(({ when }) => when === undefined || holds(when));
  const errors: Partial<Record<SettingKey, string>> = {};
  let config: RunConfig = { ...preset, steps: null, budgetTokens: null };
  for (const field of settings) {
    const { key, setting } = field;
    if (setting === null) continue;
    const value = valueOf(setting, textOf(field));
    if (value === undefined) errors[key] = acceptsSentence(setting);
    else config = withAt(config, key, value);
  }
  const switched = settings.some(({ key }) => key === 'objective.baseline');
  const refusal = switched ? objectiveRefusal(config, config.problemsPerStep) : null;
  if (refusal !== null) errors[refusal.path] ??= refusal.sentence;
  return {
    config: Object.keys(errors).length > 0 ? null : v.parse(RunConfig, config),
    errors,
    settings,
  };
}
