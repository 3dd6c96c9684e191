import type { RunConfig } from './config.ts';
import type { RunEvent } from './events.ts';

/**
 * Messages between a page and the session's worker. Both sides close their switches over these unions.
 * A page asks; the worker answers with the same `id` (`answer` or `failure`), and pushes `events` and `status` unasked.
 */
export type SessionRequest =
  | { readonly type: 'device' }
  /** Starts a new run; answers its run id. */
  | { readonly type: 'start'; readonly config: RunConfig }
  /** Goes on from the last checkpoint of a stored run. */
  | { readonly type: 'resume'; readonly runId: string }
  /** Pauses after the current step. */
  | { readonly type: 'pause' }
  /** Ends the run after the current step and keeps it. */
  | { readonly type: 'stop' }
  | { readonly type: 'runs' }
  /** All events of a stored run so far; later ones arrive as `events`. */
  | { readonly type: 'log'; readonly runId: string }
  /** One rollout's token block (see columns.ts) and the text of each token. */
  | { readonly type: 'tokens'; readonly runId: string; readonly rollout: string }
  | { readonly type: 'delete'; readonly runId: string }
  /** The preset of (method, model), every default written out. */
  | { readonly type: 'preset'; readonly method: 'grpo'; readonly model: string };

export interface DeviceReport {
  readonly available: boolean;
  /** One sentence: what was found, or why there is none and what to do. */
  readonly summary: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** A software adapter works, slowly. */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly selfTest: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  readonly warnings: readonly string[];
}

export interface RunSummary {
  readonly runId: string;
  readonly config: RunConfig;
  readonly startedAt: number;
  /** Last completed step. */
  readonly step: number;
  readonly state: 'running' | 'paused' | 'interrupted' | 'finished';
  readonly bytes: number;
}

export interface SessionAnswers {
  device: DeviceReport;
  start: { runId: string };
  resume: { runId: string };
  pause: null;
  stop: null;
  runs: readonly RunSummary[];
  log: readonly RunEvent[];
  tokens: { block: ArrayBuffer; text: readonly string[] };
  delete: null;
  preset: RunConfig;
}

export type FromPage = { readonly id: number; readonly request: SessionRequest };

export type ToPage =
  | { readonly type: 'answer'; readonly id: number; readonly value: SessionAnswers[keyof SessionAnswers] }
  /** One sentence: what happened, which numbers, what next. */
  | { readonly type: 'failure'; readonly id: number; readonly message: string }
  | { readonly type: 'events'; readonly runId: string; readonly events: readonly RunEvent[] }
  | { readonly type: 'status'; readonly status: SessionStatus };

/** What the session is doing right now; not part of the log. */
export type SessionStatus =
  | { readonly state: 'idle' }
  | { readonly state: 'loading'; readonly what: string; readonly fraction: number | null }
  | {
      readonly state: 'running';
      readonly runId: string;
      readonly step: number;
      readonly phase: 'sample' | 'grade' | 'update' | 'evaluate' | 'checkpoint';
      /** Done and total of the phase, in its own unit (tokens, programs, micro-batches). */
      readonly done: number;
      readonly total: number;
      readonly pausing: boolean;
    }
  | { readonly state: 'paused'; readonly runId: string; readonly reason: string };
