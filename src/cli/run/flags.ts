import { METHOD_NAMES, type Method } from '../../schema/config.ts';
import { SIZE_NAMES } from '../../session/presets.ts';
import { OBJECTIVE_NAMES } from '../../settings/objectives.ts';
import { settingsOf } from '../../settings/presets.ts';
import { acceptsSentence, valueOf, type Setting } from '../../settings/setting.ts';
import { parseFlags, UsageError, type OptionSpec, type Values } from '../args.ts';
import { DATASET_VALUE } from '../dataset.ts';
import { MEMORY_FLAG } from '../machine.ts';
import { WEIGHT_FLAGS } from '../model.ts';

/** Flags of `run` that are no settings of src/settings. */
const OWN_FLAGS = {
  config: {
    kind: 'text',
    value: 'run.json',
    help: 'a complete configuration, as a run writes it; flags override it',
  },
  method: {
    kind: 'list',
    choices: METHOD_NAMES,
    value: 'M1,M2,…',
    help: `training methods, compared with each other: ${METHOD_NAMES.join(', ')}`,
  },
  objective: {
    kind: 'text',
    choices: OBJECTIVE_NAMES,
    value: 'NAME',
    help: `every switch of a published objective, single switches override it: ${OBJECTIVE_NAMES.join(', ')}`,
  },
  preset: {
    kind: 'text',
    choices: SIZE_NAMES,
    help: 'problems: 30 and 30 for testing, or 200 and 224',
  },
  model: { kind: 'text', value: 'nano|FOLDER', help: 'the embedded model, or a folder' },
  adapter: {
    kind: 'text',
    value: 'DIR',
    help: 'start from this adapter, with its rank, alpha and targets',
  },
  dataset: { kind: 'text', value: DATASET_VALUE, help: 'problems' },
  seeds: { kind: 'list', value: '1,2,3', help: 'a run each, in folders of their own below --out' },
  weights: WEIGHT_FLAGS.weights,
  ...MEMORY_FLAG,
  out: {
    kind: 'text',
    required: true,
    value: 'DIR',
    help:
      'the run: config.json, events.jsonl, tokens.bin, checkpoints, adapters, ' +
      'summary.json; or runs, and comparison.json',
  },
  resume: {
    kind: 'flag',
    help: 'continue what --out holds: finished runs are skipped, unstarted ones start',
  },
  json: { kind: 'flag', help: 'print summary.json on stdout, a line a run' },
} as const satisfies Record<string, OptionSpec>;

/** What is left out comes from --config, or the preset of (method, model). */
export type RunFlags = Values<typeof OWN_FLAGS> & {
  /** Values of settings, by their flags. */
  readonly set: ReadonlyMap<string, unknown>;
  /** Flags that were given by an older name, with it. */
  readonly former: ReadonlyMap<string, string>;
};

interface SettingFlag {
  readonly settings: readonly Setting<unknown>[];
  /** The methods that listen to it. */
  readonly methods: readonly Method[];
}

/** Every flag of a setting; two methods may each have one of the same name. */
const SETTING_FLAGS: ReadonlyMap<string, SettingFlag> = (() => {
  const flags = new Map<string, { settings: Setting<unknown>[]; methods: Method[] }>();
  for (const method of METHOD_NAMES)
    for (const { setting } of settingsOf(method)) {
      const held = flags.get(setting.flag) ?? { settings: [], methods: [] };
      flags.set(setting.flag, held);
      if (!held.settings.some(({ help }) => help === setting.help)) held.settings.push(setting);
      held.methods.push(method);
    }
  return flags;
})();

function specOf({ settings, methods }: SettingFlag): OptionSpec {
  const { accepts, off } = settings[0]!;
  const owners = methods.length < METHOD_NAMES.length ? ` (${methods.join(', ')})` : '';
  const help = settings.map((setting) => setting.help).join('; ') + owners;
  if (accepts.kind === 'choice') return { kind: 'text', choices: Object.keys(accepts.words), help };
  const { integer, min, max } = accepts;
  if (off !== null) return { kind: 'text', value: `number|${off}`, help };
  return { kind: integer ? 'integer' : 'number', min, max, help };
}

/** Older names of flags, with the flags they became. */
const FORMER_FLAGS: ReadonlyMap<string, string> = new Map(
  [...SETTING_FLAGS].flatMap(([flag, { settings }]) =>
    settings[0]!.formerFlag === undefined ? [] : [[settings[0]!.formerFlag, flag]],
  ),
);

export const RUN_FLAGS: Readonly<Record<string, OptionSpec>> = {
  ...OWN_FLAGS,
  ...Object.fromEntries([...SETTING_FLAGS].map(([flag, entry]) => [flag, specOf(entry)])),
  ...Object.fromEntries(
    [...FORMER_FLAGS].map(([former, flag]) => [
      former,
      { ...specOf(SETTING_FLAGS.get(flag)!), help: `an older name of --${flag}` },
    ]),
  ),
};

/** Whether `method` listens to the flag of a setting. */
export function has(method: Method, flag: string): boolean {
  return SETTING_FLAGS.get(flag)?.methods.includes(method) ?? false;
}

export function parseRunFlags(argv: readonly string[]): RunFlags {
  const parsed = parseFlags(RUN_FLAGS, argv);
  const set = new Map<string, unknown>();
  for (const [flag, { settings }] of SETTING_FLAGS) {
    const word = parsed[flag];
    if (word === undefined) continue;
    const value = valueOf(settings[0]!, String(word));
    if (value === undefined)
      throw new UsageError(
        `--${flag} takes: ${acceptsSentence(settings[0]!)} \`${String(word)}\` is none.`,
      );
    set.set(flag, value);
  }
  const former = renameFormer(parsed, set);
  const flags = { ...(parsed as Values<typeof OWN_FLAGS>), set, former };
  if (flags.seeds && set.has('seed'))
    throw new UsageError('--seed and --seeds exclude each other.');
  if (set.has('steps') && set.has('budget-tokens'))
    throw new UsageError('--steps and --budget-tokens exclude each other.');
  if (flags.adapter !== undefined && (set.has('rank') || set.has('alpha')))
    throw new UsageError(
      '--adapter has a rank and an alpha of its own; leave --rank and --alpha out.',
    );
  if (flags.config !== undefined && flags.preset !== undefined)
    throw new UsageError(
      '--config and --preset exclude each other: a configuration has its numbers of problems.',
    );
  return flags;
}

/**
 * Reads flags by older names. Under its older name the aggregation `dr_grpo` also took the division
 * by the standard deviation away, which is a switch of its own now.
 */
function renameFormer(
  parsed: Readonly<Record<string, unknown>>,
  set: Map<string, unknown>,
): Map<string, string> {
  const given = new Map<string, string>();
  for (const [former, flag] of FORMER_FLAGS) {
    const word = parsed[former];
    if (word === undefined) continue;
    if (set.has(flag)) throw new UsageError(`--${former} is an older name of --${flag}; give one.`);
    set.set(flag, word);
    given.set(flag, former);
    if (former === 'agg' && word === 'dr_grpo' && !set.has('scale')) set.set('scale', 'none');
  }
  return given;
}

/** Refuses flags that none of the run's methods has. */
export function refuseForeignFlags(
  { set, objective, former }: RunFlags,
  methods: readonly Method[],
): void {
  if (objective !== undefined && !methods.some((method) => has(method, 'baseline')))
    throw new UsageError(
      `--objective is for methods with a policy gradient ` +
        `(${list(SETTING_FLAGS.get('baseline')!.methods)}); ${list(methods)} ` +
        `${methods.length === 1 ? 'has' : 'have'} none.`,
    );
  for (const flag of set.keys()) {
    if (methods.some((method) => has(method, flag))) continue;
    throw new UsageError(
      `--${former.get(flag) ?? flag} is a setting of ${list(SETTING_FLAGS.get(flag)!.methods)}; ${list(methods)} ` +
        `${methods.length === 1 ? 'has' : 'have'} none of that name.`,
    );
  }
}

function list(words: readonly string[]): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`;
}
