import * as v from 'valibot';
import { RunConfig, type Method } from '../../schema/config.ts';
import { settingSentence, settingValue, type Choice, type Setting } from '../parts/settings.ts';

/** `budget`: what ends the run. Everything else is a field of the configuration, by its path. */
export type SettingKey = string;

interface Place {
  /** `run`: in sight at once; `method`: the method's own; `more`: behind a fold. */
  readonly section: 'run' | 'method' | 'more';
  readonly methods: readonly Method[];
  /** Shown only while another setting has this value. */
  readonly when?: readonly [key: SettingKey, value: string];
  /** Where the preset has none. */
  readonly standard?: string;
  /** What differs for models other than nano. */
  readonly others?: { readonly source: string; readonly standard?: string };
}
export type RunSetting = Place & (Setting<SettingKey> | Choice<SettingKey>);

const ALL: readonly Method[] = ['grpo', 'srrl', 'reflkd', 'resample', 'random-reward', 'rft'];
const GROUPS: readonly Method[] = ['grpo', 'random-reward', 'rft'];
const POLICY_GRADIENT: readonly Method[] = ['grpo', 'srrl', 'resample', 'random-reward'];
const ONE_POLICY: readonly Method[] = [...POLICY_GRADIENT, 'rft'];
const SECOND: readonly Method[] = ['srrl', 'resample'];
const SRRL: readonly Method[] = ['srrl'];
const RESAMPLE: readonly Method[] = ['resample'];
const REFLKD: readonly Method[] = ['reflkd'];

const whole = (min: number, max: number) => ({ integer: true, min, max });
const number = (min: number, max: number) => ({ integer: false, min, max });
const run = (methods = ALL) => ({ section: 'run' as const, methods });
const own = (methods: readonly Method[]) => ({ section: 'method' as const, methods });
const more = (methods = ALL) => ({ section: 'more' as const, methods });
const options = (labels: Readonly<Record<string, string>>) => ({
  options: Object.entries(labels).map(([value, label]) => ({ value, label })),
});

/**
 * The settings the Start screen offers, each with the source of its default; everything else of the
 * run's configuration stays at its preset. Sources go by the names of docs/methods.md; "this lab"
 * is a choice of our own.
 */
export const SETTINGS: readonly RunSetting[] = [
  {
    key: 'budget',
    label: 'Ends after',
    source: 'methods compare at equal tokens',
    ...run(),
    standard: 'steps',
    ...options({ steps: 'steps', tokens: 'tokens' }),
  },
  {
    key: 'steps',
    label: 'Steps',
    source: 'preset of nano',
    others: { source: 'this lab' },
    ...run(),
    when: ['budget', 'steps'],
    ...whole(1, 10_000),
  },
  {
    key: 'budgetTokens',
    label: 'Tokens',
    source: 'of prompts and answers: what 30 steps of GRPO compute',
    ...run(),
    when: ['budget', 'tokens'],
    standard: '50000',
    others: { source: 'of prompts and answers: what 30 steps of GRPO compute', standard: '67000' },
    ...whole(1000, 1e12),
  },
  {
    key: 'problemsPerStep',
    label: 'Problems a step',
    source: 'preset of nano',
    others: { source: 'one group at a time, this lab' },
    ...run(),
    ...whole(1, 64),
  },
  {
    key: 'group',
    label: 'Answers a problem',
    source: 'the group G, this lab',
    ...run(GROUPS),
    ...whole(2, 64),
  },
  {
    key: 'temperature',
    label: 'Temperature',
    source: 'T of TRL’s GRPO',
    ...run(),
    ...number(0.05, 4),
  },
  {
    key: 'learningRate',
    label: 'Learning rate',
    source: 'AdamW, preset of nano',
    others: { source: 'AdamW, TRL’s LoRA tables' },
    ...run(),
    ...number(0, 1),
  },
  {
    key: 'train',
    label: 'Training problems',
    source: 'drawn by the seed, SRRL’s “quick”',
    ...run(),
    ...whole(1, 1000),
  },
  {
    key: 'test',
    label: 'Test problems',
    source: 'asked before and after, preset of nano',
    others: { source: 'asked before and after, SRRL’s “quick”' },
    ...run(),
    ...whole(0, 1000),
  },
  {
    key: 'evalSamples',
    label: 'Samples a test',
    source: 'beside a greedy answer, preset of nano',
    others: { source: 'beside a greedy answer: pass@8' },
    ...run(),
    ...whole(0, 64),
  },
  {
    key: 'seed',
    label: 'Seed',
    source: 'equal seeds, equal runs',
    ...run(),
    ...whole(0, 2 ** 31 - 1),
  },

  {
    key: 'srrl.first',
    label: 'First attempts',
    source: 'c1 of SRRL, a problem',
    ...own(SECOND),
    ...whole(1, 32),
  },
  {
    key: 'srrl.refinements',
    label: 'Refinements',
    source: 'c2 of SRRL, each failed attempt',
    ...own(SRRL),
    ...whole(1, 32),
  },
  {
    key: 'srrl.refinements',
    label: 'Fresh attempts',
    source: 'as many as SRRL’s refinements',
    ...own(RESAMPLE),
    ...whole(1, 32),
  },
  {
    key: 'srrl.temperature',
    label: 'Their temperature',
    source: 'of refinements, SRRL',
    ...own(SRRL),
    ...number(0.05, 4),
  },
  {
    key: 'srrl.advantage',
    label: 'Compared',
    source: 'all of a problem, or c1 and c2 apart; this lab',
    ...own(SRRL),
    ...options({ pooled: 'pooled', phase: 'by phase' }),
  },
  {
    key: 'srrl.lambda',
    label: 'Their weight',
    source: 'λ of refinements in the loss, this lab',
    ...own(SRRL),
    ...number(0, 10),
  },

  {
    key: 'reflkd.baselines',
    label: 'Attempts',
    source: 'without reflection, a problem; this lab',
    ...own(REFLKD),
    ...whole(1, 32),
  },
  {
    key: 'reflkd.reflections',
    label: 'Reflections',
    source: 'K, on the first failed attempt, refl-kd',
    ...own(REFLKD),
    ...whole(1, 16),
  },
  {
    key: 'reflkd.retries',
    label: 'Retries',
    source: 'm, with each reflection, this lab',
    ...own(REFLKD),
    ...whole(1, 16),
  },
  {
    key: 'reflkd.threshold',
    label: 'Threshold',
    source: 'advantages within ±δ weigh 0, this lab',
    ...own(REFLKD),
    ...number(0, 1),
  },
  {
    key: 'reflkd.negativeWeight',
    label: 'Weight of harm',
    source: 'λ⁻, reflections that made it worse, this lab',
    ...own(REFLKD),
    ...number(0, 10),
  },
  {
    key: 'reflkd.beta',
    label: 'Reflector’s KL',
    source: 'its β to the base model, this lab',
    ...own(REFLKD),
    ...number(0, 10),
  },
  {
    key: 'reflkd.kd.topK',
    label: 'Teacher’s tokens',
    source: 'k likeliest at each place, SDPO',
    ...own(REFLKD),
    ...whole(1, 1000),
  },
  {
    key: 'reflkd.kd.temperature',
    label: 'KD temperature',
    source: 'τ of teacher and student, SDPO',
    ...own(REFLKD),
    ...number(0.05, 10),
  },
  {
    key: 'reflkd.kd.mode',
    label: 'Other tokens',
    source: 'beyond the k likeliest, SDPO',
    ...own(REFLKD),
    ...options({ tail: 'one tail', renorm: 'left out (renorm)' }),
  },
  {
    key: 'reflkd.kd.target',
    label: 'Target',
    source: 'what the student is taught, this lab',
    ...own(REFLKD),
    ...options({ retry: 'passing retry', fresh: 'fresh answer' }),
  },
  {
    key: 'reflkd.kd.teacher',
    label: 'Teacher',
    source: 'who sees the reflection, this lab',
    ...own(REFLKD),
    ...options({ snapshot: 'student', ema: 'average student', base: 'base model' }),
  },
  {
    key: 'reflkd.kd.emaDecay',
    label: 'Average’s decay',
    source: 'd of the average student, this lab',
    ...own(REFLKD),
    when: ['reflkd.kd.teacher', 'ema'],
    ...number(0, 1),
  },
  {
    key: 'reflkd.reflectionTokens',
    label: 'Reflection’s tokens',
    source: 'at most, preset of nano',
    others: { source: 'at most, this lab' },
    ...own(REFLKD),
    ...whole(4, 512),
  },

  {
    key: 'asserts',
    label: 'Asserts a model sees',
    source: 'SRRL',
    ...more(),
    ...options({ all: 'all shown', 'all-but-one': 'all but one' }),
  },
  {
    key: 'maxTokens',
    label: 'Answer’s tokens',
    source: 'at most, preset of nano',
    others: { source: 'at most, TRL' },
    ...more(),
    ...whole(8, 512),
  },
  {
    key: 'loss.aggregation',
    label: 'Aggregation',
    source: 'TRL',
    ...more(POLICY_GRADIENT),
    ...options({ dapo: 'dapo', grpo: 'grpo', dr_grpo: 'dr_grpo', bnpo: 'bnpo' }),
  },
  {
    key: 'loss.epsLow',
    label: 'Clip below',
    source: 'ε low, DAPO',
    ...more(POLICY_GRADIENT),
    ...number(0, 1),
  },
  {
    key: 'loss.epsHigh',
    label: 'Clip above',
    source: 'ε high, DAPO',
    ...more(POLICY_GRADIENT),
    ...number(0, 10),
  },
  {
    key: 'loss.beta',
    label: 'KL',
    source: 'β to the base model, TRL',
    ...more(ONE_POLICY),
    ...number(0, 10),
  },
  {
    key: 'loss.updates',
    label: 'Updates',
    source: 'μ, on the answers of a step, TRL',
    ...more(ONE_POLICY),
    ...whole(1, 16),
  },
];

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
export function standardOf(preset: RunConfig, { key, standard }: RunSetting): string {
  const value = key
    .split('.')
    .reduce<unknown>((at, part) => (isRecord(at) ? at[part] : undefined), preset);
  return typeof value === 'number' || typeof value === 'string' ? String(value) : (standard ?? '');
}

/** The settings of a method, as they are for a model. */
export function settingsOf({ method, model }: Pick<RunConfig, 'method' | 'model'>): RunSetting[] {
  const own = SETTINGS.filter(({ methods }) => methods.includes(method));
  return model === 'nano' ? own : own.map((setting) => ({ ...setting, ...setting.others }));
}

export function draftOf(preset: RunConfig, edits: Edits): Draft {
  const offered = settingsOf(preset);
  const textOf = (setting: RunSetting) => edits[setting.key] ?? standardOf(preset, setting);
  const holds = ([key, value]: readonly [string, string]) =>
    offered.some((other) => other.key === key && textOf(other) === value);
  const settings = offered.filter(({ when }) => when === undefined || holds(when));
  const errors: Partial<Record<SettingKey, string>> = {};
  let config: unknown = { ...preset, steps: null, budgetTokens: null };
  for (const setting of settings) {
    const text = textOf(setting);
    if ('options' in setting) {
      if (setting.key !== 'budget') config = withField(config, setting.key.split('.'), text);
      continue;
    }
    const value = settingValue(setting, text);
    if (value === null) errors[setting.key] = settingSentence(setting);
    else config = withField(config, setting.key.split('.'), value);
  }
  return {
    config: Object.keys(errors).length > 0 ? null : v.parse(RunConfig, config),
    errors,
    settings,
  };
}

function withField(target: unknown, [head, ...rest]: readonly string[], value: unknown): unknown {
  if (head === undefined) return value;
  const held = isRecord(target) ? target : {};
  return { ...held, [head]: withField(held[head], rest, value) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
