import { nodeGpu } from '../gpu/node-gpu.ts';
import type { Method } from '../schema/config.ts';
import type { RunPlan, StepEstimate } from '../schema/plan.ts';
import { measureStep } from '../session/measure.ts';
import { longestPrompt, openPlanned, planRun, storagePlan } from '../session/planning.ts';
import { presetOf } from '../session/presets.ts';
import { problemsOf, resolveDataset } from './dataset.ts';
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

/** What the preset of (method, model) would take on this machine, and where asked for how long a step takes. */
export async function planOf(flags: PlanFlags, root: string): Promise<{ plan: RunPlan; step: StepEstimate | null }> {
  const model = await resolveModel(flags.model);
  const config = { ...presetOf(flags.method, model), dataset: await resolveDataset(flags.dataset), weights: parseWeights(flags.weights) };
  const files = await openModelFiles(model, root, config);
  const promptTokens = longestPrompt(files.text, await problemsOf(config, root));
  const options = { gpu: nodeGpu(), source: files.source, config, promptTokens, machine: machineMemory(flags.memory) };
  const memory = await planRun(options);
  const plan = { memory, storage: storagePlan(config, memory, await storageRoom('.')) };
  if (!flags.measure) return { plan, step: null };
  const { engine } = await openPlanned(options);
  try {
    return { plan, step: await measureStep(engine, config, promptTokens, () => performance.now() / 1000) };
  } finally {
    engine.destroy();
  }
}
