import { hash32 } from '../lib/rng.ts';
import type { AdapterTensors, Engine, TrainableName } from '../model/engine.ts';
import { methodOf, type RunConfig } from '../schema/config.ts';
import type { StoredRun } from '../storage/run-store.ts';
import type { RunPorts } from './run-ports.ts';

const REFLECTOR = 0x7265666c;

/** The adapters that a run trains or keeps, all of them in its checkpoints. */
export function adaptersOf(config: RunConfig): readonly TrainableName[] {
  return methodOf(config).adapters();
}

/**
 * Fresh adapters: A from the run's seed, B = 0, so that all equal the base. A teacher begins as the
 * student; the reflector has an A of its own. With `start` student and teacher begin there instead.
 */
export function createAdapters(
  engine: Engine,
  config: RunConfig,
  start: AdapterTensors | null,
): void {
  for (const name of adaptersOf(config)) {
    if (start !== null && name !== 'reflector') engine.loadAdapter(name, config.lora, start);
    else
      engine.createAdapter(
        name,
        config.lora,
        name === 'reflector' ? hash32(config.seed, REFLECTOR) : config.seed,
      );
  }
}

/** Parameters and optimisers, by name. */
export async function saveAdapters(
  engine: Engine,
  config: RunConfig,
): Promise<Record<string, Uint8Array>> {
  const saved: Record<string, Uint8Array> = {};
  for (const name of adaptersOf(config)) saved[name] = await engine.saveState(name);
  return saved;
}

/** Puts back what `saveAdapters` gave; false, and nothing done, where one of them is missing. */
export function restoreAdapters(
  engine: Engine,
  config: RunConfig,
  saved: Readonly<Record<string, Uint8Array | undefined>>,
): boolean {
  const states = adaptersOf(config).map((name) => [name, saved[name]] as const);
  if (states.some(([, state]) => state === undefined)) return false;
  for (const [name, state] of states) engine.restoreState(name, config.lora, state!);
  return true;
}

/**
 * What was trained, into the run's folders: the student, and the reflector where the method has
 * one.
 */
export async function exportAdapters(
  engine: Engine,
  config: RunConfig,
  adapterFiles: RunPorts['adapterFiles'],
  stored: StoredRun,
): Promise<void> {
  const folders = {
    student: 'adapter',
    ...(adaptersOf(config).includes('reflector') && { reflector: 'reflector' }),
  } as const;
  for (const [name, folder] of Object.entries(folders) as [TrainableName, string][]) {
    const files = adapterFiles(await engine.exportAdapter(name), config);
    for (const [file, content] of Object.entries(files)) {
      await stored.writeFile(
        `${folder}/${file}`,
        typeof content === 'string' ? new TextEncoder().encode(content) : content,
      );
    }
  }
}
