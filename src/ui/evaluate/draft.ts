import type { EvaluationConfig } from '../../schema/evaluation.ts';
import type { DatasetOffer } from '../../schema/protocol.ts';
import { settingSentence, settingValue, type Setting } from '../parts/settings.ts';

export type NumberKey = 'n' | 'temperature' | 'limit' | 'seed' | 'timeoutSeconds';

/** `all` where nothing is typed. */
export const LIMIT: Setting<'limit'> = {
  key: 'limit',
  label: 'Limit',
  source: 'problems, a seeded choice; empty: all',
  integer: true,
  min: 1,
  max: 10_000,
};
export const NUMBERS: readonly (Setting<NumberKey> & { readonly standard: string })[] = [
  { ...LIMIT, standard: '' },
  {
    key: 'n',
    label: 'Answers a problem',
    source: 'n; pass@n comes besides from 2 on',
    integer: true,
    min: 1,
    max: 1000,
    standard: '1',
  },
  {
    key: 'temperature',
    label: 'Temperature',
    source: '0 is greedy, as EvalPlus reports',
    integer: false,
    min: 0,
    max: 10,
    standard: '0',
  },
  {
    key: 'seed',
    label: 'Seed',
    source: 'of the samples and of the limit',
    integer: true,
    min: 0,
    max: 2 ** 32 - 1,
    standard: '0',
  },
  {
    key: 'timeoutSeconds',
    label: 'Seconds a program',
    source: 'before calibration to this machine',
    integer: false,
    min: 0.1,
    max: 600,
    standard: '10',
  },
];

/** What the form holds. */
export interface Draft {
  readonly kind: EvaluationConfig['source']['kind'];
  /** `nano` or the id of a model that is here. */
  readonly model: string;
  /** The finished run or imported adapter that is put on; null: the model as it is. */
  readonly adapterOf: string | null;
  /** A name of the offers; null: `datasetFile`. */
  readonly dataset: string | null;
  readonly datasetFile: File | null;
  readonly samplesFile: File | null;
  readonly split: 'train' | 'validation' | 'test' | 'all';
  /** What was typed over the defaults, as typed. */
  readonly numbers: Partial<Record<NumberKey, string>>;
}

export const EMPTY_DRAFT: Draft = {
  kind: 'samples',
  model: 'nano',
  adapterOf: null,
  dataset: 'starter',
  datasetFile: null,
  samplesFile: null,
  split: 'test',
  numbers: {},
};

export interface Judged {
  /** Null while something is missing or wrong. */
  readonly config: EvaluationConfig | null;
  readonly errors: Partial<Record<NumberKey, string>>;
  /** What to do before it can start: one sentence. */
  readonly missing: string | null;
}

/** The configuration a draft stands for, or what it lacks. */
export function configOf(draft: Draft, offers: readonly DatasetOffer[]): Judged {
  const errors: Partial<Record<NumberKey, string>> = {};
  const read = (key: NumberKey): number => {
    const setting = NUMBERS.find((known) => known.key === key);
    if (!setting) throw new Error(`There is no setting ${key}.`);
    const value = settingValue(setting, draft.numbers[key] ?? setting.standard);
    if (value === null) errors[key] = settingSentence(setting);
    return value ?? setting.min;
  };
  const isModel = draft.kind === 'model';
  const limited = (draft.numbers.limit ?? '').trim() !== '';
  const source: EvaluationConfig['source'] = isModel
    ? {
        kind: 'model',
        model: draft.model,
        adapterOf: draft.adapterOf,
        n: read('n'),
        temperature: read('temperature'),
        split: draft.split,
        limit: limited ? read('limit') : null,
        seed: read('seed'),
      }
    : { kind: 'samples', file: draft.samplesFile?.name ?? '' };
  const config: EvaluationConfig = {
    version: 1,
    source,
    dataset: draft.dataset ?? draft.datasetFile?.name ?? '',
    timeoutSeconds: read('timeoutSeconds'),
  };
  const missing =
    lacking(draft, offers) ??
    (Object.keys(errors).length > 0 ? 'One setting above needs another value.' : null);
  return { config: missing === null ? config : null, errors, missing };
}

function lacking(
  { kind, dataset, datasetFile, samplesFile }: Draft,
  offers: readonly DatasetOffer[],
): string | null {
  if (kind === 'samples' && !samplesFile)
    return 'Choose a samples file: lines {"task_id", "solution"}.';
  if (dataset === null && !datasetFile)
    return 'Choose the data set’s file: jsonl, json, jsonl.gz or parquet.';
  return offers.find((offer) => offer.name === dataset)?.needs ?? null;
}
