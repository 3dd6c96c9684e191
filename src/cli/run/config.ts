import { resolve } from 'node:path';
import { parseJson } from '../../lib/json.ts';
import { DEFAULT_METHOD, RunConfig, type Method } from '../../schema/config.ts';
import { equalTokens, presetOf, sizedPreset } from '../../session/presets.ts';
import { readAdapter } from '../../model/weights/peft.ts';
import { METHODS } from '../../settings/methods.ts';
import { objectiveRefusal, withObjective } from '../../settings/objectives.ts';
import { settingsOf } from '../../settings/presets.ts';
import { withAt } from '../../settings/setting.ts';
import { UsageError } from '../args.ts';
import { resolveDataset } from '../dataset.ts';
import { folderSource } from '../../storage/node/folder-source.ts';
import { readText } from '../io.ts';
import { parseWeights, resolveModel } from '../model.ts';
import { has, type RunFlags } from './flags.ts';

/** A complete configuration from a file. */
export async function readConfig(path: string): Promise<RunConfig> {
  return parseJson(RunConfig, await readText(path, 'The configuration'), path);
}

export interface Place {
  readonly method: Method;
  /** Undefined: that of the base or preset. */
  readonly seed: number | undefined;
  /** Where flags that are left out come from; null: the preset of (method, model). */
  readonly base: RunConfig | null;
  /**
   * One of several methods: a token budget ends the run unless the flags say otherwise, the same
   * for all.
   */
  readonly compared: boolean;
}

/**
 * The configuration of one run: base or preset, then the flags. Every value ends up written out.
 */
export async function configOf(
  flags: RunFlags,
  { method, seed, base, compared }: Place,
): Promise<RunConfig> {
  const model = await resolveModel(flags.model ?? base?.model ?? 'nano');
  const preset = (of: Method): RunConfig =>
    flags.preset === undefined
      ? presetOf(of, model)
      : sizedPreset(presetOf(of, model), flags.preset);
  const own = preset(method);
  const from = base ?? own;
  const shaped = flags.set.has('rank') || flags.set.has('alpha');
  if (from.adapter !== null && flags.adapter === undefined && shaped)
    throw new UsageError(
      `The run starts from ${from.adapter}, which has a rank and an alpha of its own; leave ` +
        '--rank and --alpha out.',
    );
  const adapter = flags.adapter === undefined ? from.adapter : resolve(flags.adapter);
  const { rank, alpha, targets } =
    flags.adapter === undefined
      ? from.lora
      : (await readAdapter(folderSource(resolve(flags.adapter)))).config;
  const before: RunConfig = {
    ...from,
    // Its own part: that of the base where the base has one, else the preset's.
    ...partsOf(method, own, from),
    method,
    model,
    adapter,
    dataset: await resolveDataset(flags.dataset ?? from.dataset),
    ...(seed !== undefined && { seed }),
    lora: { rank, alpha, targets: [...targets] },
    weights: flags.weights === undefined ? from.weights : parseWeights(flags.weights),
  };
  const config = withFlags(before, method, flags);
  refuseSwitches(config);
  const equal = compared
    ? equalTokens(withFlags(base ?? preset(DEFAULT_METHOD), DEFAULT_METHOD, flags))
    : null;
  return { ...config, ...lengthOf(flags, from, equal) };
}

/** A configuration with the flags that `method` listens to. */
function withFlags(config: RunConfig, method: Method, { set, objective }: RunFlags): RunConfig {
  const named =
    objective !== undefined && has(method, 'baseline') ? withObjective(config, objective) : config;
  return settingsOf(method).reduce(
    (held, { path, setting }) =>
      set.has(setting.flag) ? withAt(held, path, set.get(setting.flag)) : held,
    named,
  );
}

/** Refuses switches that do not go together. */
function refuseSwitches(config: RunConfig): void {
  const refusal = has(config.method, 'baseline')
    ? objectiveRefusal(config, config.problemsPerStep)
    : null;
  if (refusal !== null) throw new UsageError(refusal.sentence);
}

/** The methods' parts of a configuration: null but for that of `method`. */
function partsOf(method: Method, own: RunConfig, from: RunConfig): Partial<RunConfig> {
  const { part } = METHODS[method];
  const names = Object.values(METHODS).flatMap((other) => other.part ?? []);
  return Object.fromEntries(
    names.map((name) => [name, name === part ? (from[name] ?? own[name]) : null]),
  );
}

/**
 * What ends the run: steps or tokens, never both. `equal`: the budget where neither is given and
 * methods are compared.
 */
function lengthOf(
  { set }: RunFlags,
  from: RunConfig,
  equal: number | null,
): Pick<RunConfig, 'steps' | 'budgetTokens'> {
  const given = (flag: string) => set.get(flag) as number | undefined;
  const tokens = given('budget-tokens');
  if (tokens !== undefined) return { steps: null, budgetTokens: tokens };
  const steps = given('steps');
  if (steps !== undefined) return { steps, budgetTokens: null };
  if (equal !== null) return { steps: null, budgetTokens: from.budgetTokens ?? equal };
  return { steps: from.steps, budgetTokens: from.budgetTokens };
}
