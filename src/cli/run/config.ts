import { resolve } from 'node:path';
import { parseJson } from '../../lib/json.ts';
import { RunConfig, type Method } from '../../schema/config.ts';
import { equalTokens, presetOf, sizedPreset } from '../../session/presets.ts';
import { readAdapter } from '../../model/weights/peft.ts';
import { UsageError } from '../args.ts';
import { resolveDataset } from '../dataset.ts';
import { folderSource } from '../folder-source.ts';
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
  /** A flag's value, where the method listens to it. */
  const set = <F extends keyof RunFlags>(flag: F): RunFlags[F] | undefined =>
    has(method, flag) ? flags[flag] : undefined;
  if (
    from.adapter !== null &&
    flags.adapter === undefined &&
    (flags.rank !== undefined || flags.alpha !== undefined)
  )
    throw new UsageError(
      `The run starts from ${from.adapter}, which has a rank and an alpha of its own; leave --rank and --alpha out.`,
    );
  const adapter = flags.adapter === undefined ? from.adapter : resolve(flags.adapter);
  const lora =
    flags.adapter === undefined
      ? from.lora
      : (await readAdapter(folderSource(resolve(flags.adapter)))).config;
  const srrl = own.srrl && (from.srrl ?? own.srrl);
  const reflkd = own.reflkd && (from.reflkd ?? own.reflkd);
  return {
    ...from,
    method,
    model,
    adapter,
    dataset: await resolveDataset(flags.dataset ?? from.dataset),
    seed: seed ?? from.seed,
    train: flags.train ?? from.train,
    val: flags.val ?? from.val,
    test: flags.test ?? from.test,
    ...lengthOf(flags, from, compared ? equalTokens(sized(base ?? preset('grpo'), flags)) : null),
    asserts: flags.asserts ?? from.asserts,
    group: set('group') ?? from.group,
    problemsPerStep: flags['problems-per-step'] ?? from.problemsPerStep,
    maxTokens: flags['max-tokens'] ?? from.maxTokens,
    temperature: flags.temperature ?? from.temperature,
    learningRate: flags.lr ?? from.learningRate,
    lora: {
      rank: flags.rank ?? lora.rank,
      alpha: flags.alpha ?? lora.alpha,
      targets: [...lora.targets],
    },
    srrl: srrl && {
      first: set('first') ?? srrl.first,
      refinements: set('refinements') ?? srrl.refinements,
      temperature: set('c2-temperature') ?? srrl.temperature,
      advantage: set('advantage') ?? srrl.advantage,
      lambda: set('lambda') ?? srrl.lambda,
    },
    reflkd: reflkd && {
      ...reflkd,
      baselines: set('baselines') ?? reflkd.baselines,
      reflections: set('reflections') ?? reflkd.reflections,
      retries: set('retries') ?? reflkd.retries,
      beta: flags.beta ?? reflkd.beta,
      kd: {
        ...reflkd.kd,
        topK: set('kd-top-k') ?? reflkd.kd.topK,
        mode: set('kd-mode') ?? reflkd.kd.mode,
        target: set('kd-target') ?? reflkd.kd.target,
        teacher: set('kd-teacher') ?? reflkd.kd.teacher,
      },
    },
    loss: {
      ...from.loss,
      aggregation: set('agg') ?? from.loss.aggregation,
      epsLow: set('eps-low') ?? from.loss.epsLow,
      epsHigh: set('eps-high') ?? from.loss.epsHigh,
      beta: reflkd ? from.loss.beta : (flags.beta ?? from.loss.beta),
      updates: set('mu') ?? from.loss.updates,
      correctionCap: set('correction-cap') ?? from.loss.correctionCap,
      maskTruncated:
        flags.truncated === undefined ? from.loss.maskTruncated : flags.truncated === 'masked',
    },
    timeoutSeconds: flags.timeout ?? from.timeoutSeconds,
    evalSamples: flags['eval-samples'] ?? from.evalSamples,
    evalTemperature: flags['eval-temperature'] ?? from.evalTemperature,
    weights: flags.weights === undefined ? from.weights : parseWeights(flags.weights),
    checkpointEvery: flags['checkpoint-every'] ?? from.checkpointEvery,
  };
}

/** A preset with the flags that decide how much a step computes. */
function sized(preset: RunConfig, flags: RunFlags): RunConfig {
  return {
    ...preset,
    group: flags.group ?? preset.group,
    problemsPerStep: flags['problems-per-step'] ?? preset.problemsPerStep,
    maxTokens: flags['max-tokens'] ?? preset.maxTokens,
  };
}

/**
 * What ends the run: steps or tokens, never both. `equal`: the budget where neither is given and
 * methods are compared.
 */
function lengthOf(
  flags: RunFlags,
  from: RunConfig,
  equal: number | null,
): Pick<RunConfig, 'steps' | 'budgetTokens'> {
  if (flags['budget-tokens'] !== undefined)
    return { steps: null, budgetTokens: flags['budget-tokens'] };
  if (flags.steps !== undefined) return { steps: flags.steps, budgetTokens: null };
  if (equal !== null) return { steps: null, budgetTokens: from.budgetTokens ?? equal };
  return { steps: from.steps, budgetTokens: from.budgetTokens };
}
