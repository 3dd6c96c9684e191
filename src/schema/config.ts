import * as v from 'valibot';
import { WEIGHT_PRECISIONS } from '../lib/weight-blocks.ts';
import type { MethodDescriptor, OwnOf, WorkTools } from '../settings/method.ts';
import { METHOD_NAMES, METHODS, type Method } from '../settings/methods.ts';
import { OBJECTIVE, SCHEDULE } from '../settings/objective.ts';
import { COMMON, GROUP, LORA, LOSS, OPTIMIZER } from '../settings/run.ts';
import {
  isSetting,
  standards,
  type Setting,
  type Settings,
  type Values,
} from '../settings/setting.ts';

export { DEFAULT_METHOD, METHOD_NAMES, type Method } from '../settings/methods.ts';

/** The schema of one setting's value. */
function valueSchema({ accepts, nullable, toggle }: Setting<unknown>): v.GenericSchema<unknown> {
  const schema = toggle
    ? v.boolean()
    : accepts.kind === 'choice'
      ? v.picklist(Object.keys(accepts.words))
      : v.pipe(
          v.number(),
          v.check(
            (value) => !accepts.integer || Number.isInteger(value),
            'Expected a whole number',
          ),
          v.minValue(accepts.min),
          v.maxValue(accepts.max),
        );
  return nullable ? v.nullable(schema) : schema;
}

type Entries<S> = { [K in keyof S]: v.GenericSchema<unknown, Values<S[K]>> };

/** A schema for each setting of a group. */
function entries<S extends Settings>(settings: S): Entries<S> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, entry]) => [
      name,
      isSetting(entry) ? valueSchema(entry) : v.object(entries(entry)),
    ]),
  ) as Entries<S>;
}

/** Fields that came later: a configuration from before them has their default. */
function later<S extends Settings, K extends keyof S & string>(
  settings: S,
  schemas: Entries<S>,
  name: K,
): v.OptionalSchema<v.GenericSchema<unknown, Values<S[K]>>, Values<S[K]>> {
  const { standard } = settings[name] as unknown as Setting<Values<S[K]>>;
  return v.optional(schemas[name], standard as never);
}

type Table = typeof METHODS;
type PartOf<D> = D extends { part: infer P extends string } ? P : never;
/** The methods' own parts of config.json, each null where the run's method has none of it. */
type Parts = {
  -readonly [M in keyof Table as PartOf<Table[M]>]: OwnOf<Table[M]['settings']> | null;
};
export type SrrlConfig = NonNullable<Parts['srrl']>;
export type ReflKdConfig = NonNullable<Parts['reflkd']>;

const parts = Object.fromEntries(
  Object.values(METHODS).flatMap(({ part, settings }) =>
    part === null || settings === null
      ? []
      : [[part, v.optional(v.nullable(v.object(entries(settings))), null)]],
  ),
) as unknown as {
  [P in keyof Parts]: v.OptionalSchema<v.GenericSchema<unknown, Parts[P]>, null>;
};

const common = entries(COMMON);
const loss = entries(LOSS);

/**
 * The complete configuration of one run: what config.json holds, what `run.started` records, what
 * reruns the run. Defaults come from the preset of (method, model) and are all written out here;
 * none is implied later. Its fields, with bounds and defaults, are the settings of src/settings.
 */
const RunConfigFields = v.object({
  version: v.literal(1),
  method: v.picklist(METHOD_NAMES as readonly Method[]),
  /** `nano`, a hub id or a folder. */
  model: v.string(),
  /**
   * Folder of the PEFT adapter that the student starts from, whose rank, alpha and targets `lora`
   * repeats; null: a fresh one.
   */
  adapter: v.optional(v.nullable(v.string()), null),
  /** `starter`, `mbpp`, … or a file. */
  dataset: v.string(),
  ...common,
  asserts: later(COMMON, common, 'asserts'),
  /** G, completions per problem; methods with a part of their own have counts of their own. */
  group: valueSchema(GROUP) as v.GenericSchema<unknown, number>,
  lora: v.object({
    ...entries(LORA),
    targets: v.array(v.picklist(['q', 'k', 'v', 'o', 'gate', 'up', 'down'])),
  }),
  ...parts,
  loss: v.object({ ...loss, updates: later(LOSS, loss, 'updates') }),
  objective: v.object(entries(OBJECTIVE)),
  optimizer: v.object(entries(OPTIMIZER)),
  schedule: v.object(entries(SCHEDULE)),
  /** Weights in memory: as stored, or converted. */
  weights: v.nullable(v.picklist(WEIGHT_PRECISIONS)),
});
export type RunConfig = v.InferOutput<typeof RunConfigFields>;

/**
 * The configuration of a version without `objective` and `schedule`, with the switches it meant:
 * today's defaults, but for `dr_grpo`, whose aggregation took the division by the standard deviation
 * away too.
 */
function withSwitches(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const held: { objective?: unknown; schedule?: unknown; loss?: { aggregation?: unknown } | null } =
    value;
  const scale = held.loss?.aggregation === 'dr_grpo' ? ({ scale: 'none' } as const) : {};
  return {
    ...held,
    ...(held.objective === undefined && {
      objective: { ...standards(OBJECTIVE, false), ...scale },
    }),
    ...(held.schedule === undefined && { schedule: standards(SCHEDULE, false) }),
  };
}

export const RunConfig: v.GenericSchema<unknown, RunConfig> = v.pipe(
  v.unknown(),
  v.transform(withSwitches),
  RunConfigFields,
);

/** The method of a run, its questions answered for the run's own settings. */
export function methodOf(config: RunConfig) {
  const descriptor: MethodDescriptor = METHODS[config.method];
  const { part } = descriptor;
  const own = (part === null ? null : config[part as keyof Parts]) as never;
  if (part !== null && own === null)
    throw new Error(
      `A run of ${config.method} needs the settings under \`${part}\` in its configuration.`,
    );
  return {
    ...descriptor,
    adapters: () => descriptor.adapters(own),
    programs: () => descriptor.programs(own, config.group),
    first: () => descriptor.first(own, config.group),
    work: (tools: WorkTools) => descriptor.work(own, tools),
  };
}
