import { nodeGpu } from '../gpu/node-gpu.ts';
import type { Method, RunConfig } from '../schema/config.ts';
import type { RunPlan, StepEstimate } from '../schema/plan.ts';
import { measureStep } from '../session/measure.ts';
import {
  longestPrompt,
  openPlanned,
  planRun,
  storagePlan,
  withFittingWeights,
  type PlanOptions,
} from '../session/planning.ts';
import { presetOf } from '../session/presets.ts';
import { problemsOf, resolveDataset } from './dataset.ts';
import { remark } from './io.ts';
import { machineMemory, storageRoom } from './machine.ts';
import { openModelFiles, parseWeights, resolveModel } from './model.ts';

export interface PlanFlags {
  readonly model: string;
  readonly method: Method;
  readonly dataset: string;
  readonly weights: string | undefined;
  readonly memory: number | undefined;
  readonly measure: boolean | undefined;
}

/** What `config` would take on this machine, before anything is loaded. */
async function planning(
  config: RunConfig,
  root: string,
  memory: number | undefined,
): Promise<PlanOptions> {
  const files = await openModelFiles(config.model, config.weights, root, config);
  const promptTokens = longestPrompt(files.text, await problemsOf(config, root));
  return {
    gpu: nodeGpu(),
    source: files.source,
    config,
    promptTokens,
    machine: machineMemory(memory),
  };
}

/** The configuration of a run that has not begun: weights that nobody chose are those that fit. */
export async function fittingConfig(
  config: RunConfig,
  root: string,
  memory: number | undefined,
): Promise<RunConfig> {
  if (config.weights !== null) return config;
  const fitting = withFittingWeights(config, await planRun(await planning(config, root, memory)));
  if (fitting.said !== null) remark(fitting.said);
  return fitting.config;
}

/**
 * What the preset of (method, model) would take on this machine, and where asked for how long a
 * step takes.
 */
export async function planOf(
  flags: PlanFlags,
  root: string,
): Promise<{ plan: RunPlan; step: StepEstimate | null }> {
  const model = await resolveModel(flags.model);
  const config = {
    ...presetOf(flags.method, model),
    dataset: await resolveDataset(flags.dataset),
    weights: parseWeights(flags.weights),
  };
  const options = await planning(config, root, flags.memory);
  const memory = await planRun(options);
  const plan = {
    memory,
    storage: storagePlan(config, memory, await storageRoom('.')),
    ahead: null,
  };
  if (!flags.measure) return { plan, step: null };
  const { engine } = await openPlanned(options);
  try {
    return {
      plan,
      step: await measureStep(engine, config, options.promptTokens, () => performance.now() / 1000),
    };
  } finally {
    engine.destroy();
  }
}
