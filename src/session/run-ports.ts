import type { Problem } from '../data/problem.ts';
import type { ProblemSets } from '../data/order.ts';
import type { MethodText } from '../data/prompts.ts';
import type { Graded } from '../eval/context.ts';
import type { AdapterTensors, Engine } from '../model/engine.ts';
import type { RunConfig } from '../schema/config.ts';
import type { RunEvent, RunEventOf } from '../schema/events.ts';
import type { SessionStatus } from '../schema/protocol.ts';
import type { RunStore } from '../storage/run-store.ts';
import type { MemoryPlan } from '../schema/plan.ts';
import type { StorageRoom } from './planning.ts';

export interface OpenedModel {
  readonly engine: Engine;
  readonly text: MethodText;
  readonly device: RunEventOf<'run.started'>['device'];
  /** Fallbacks taken while opening, one sentence each. */
  readonly warnings?: readonly string[];
  /** What it was planned to take; absent where nothing was planned. */
  readonly plan?: MemoryPlan;
}

/** What a run needs from outside: everything that differs between browser, Node and tests. */
export interface RunPorts {
  readonly store: RunStore;
  /**
   * Opens it on a new device, with the sizes of its plan. `memory`: bytes of the GPU's that may be
   * taken; absent: not said.
   */
  openModel: (config: RunConfig, sets: ProblemSets, memory?: number | null) => Promise<OpenedModel>;
  /** Room in the store. Where it is absent it is taken to be enough. */
  room?: () => Promise<StorageRoom>;
  /**
   * The adapter that `config.adapter` names. Where it is absent runs start from fresh adapters
   * only.
   */
  readAdapter?: (folder: string, config: RunConfig) => Promise<AdapterTensors>;
  problems: (config: RunConfig) => Promise<ProblemSets>;
  grade: (
    problem: Problem,
    completion: string,
    options: { readonly format: MethodText['format']; readonly timeoutSeconds: number },
  ) => Promise<Graded>;
  /** An adapter as files for others (PEFT), by name. */
  adapterFiles: (
    tensors: AdapterTensors,
    config: RunConfig,
  ) => Readonly<Record<string, Uint8Array | string>>;
  onEvents: (runId: string, events: readonly RunEvent[]) => void;
  onStatus: (status: SessionStatus) => void;
  /** ms since the epoch, for the log. */
  readonly clock: () => number;
  /** ms that never go back, for durations. Where it is absent, performance.now. */
  readonly stopwatch?: () => number;
}

export interface Outcome {
  readonly state: 'finished' | 'paused';
  readonly step: number;
  /** One sentence. */
  readonly reason: string;
}
