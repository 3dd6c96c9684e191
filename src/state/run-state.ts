import type { Phase } from '../settings/kinds.ts';
import type { SessionStatus } from '../schema/protocol.ts';
import type { RunView } from './fold.ts';

export type RunState =
  'running' | 'elsewhere' | 'pausing' | 'starting' | 'paused' | 'interrupted' | 'finished';

/** What a run is doing: the log knows how it ended, the session's status whether it is going on. */
export function runStateOf(
  view: RunView,
  status: SessionStatus,
  elsewhere: ReadonlyMap<string, SessionStatus> = new Map(),
): RunState {
  if (view.finished) return 'finished';
  if (status.state === 'running' && status.runId === view.runId)
    return status.pausing ? 'pausing' : 'running';
  if (elsewhere.has(view.runId)) return 'elsewhere';
  if (status.state === 'paused' && status.runId === view.runId) return 'paused';
  if (status.state === 'loading') return 'starting';
  return view.paused ? 'paused' : 'interrupted';
}

/** Runs and evaluations share the GPU: while one goes on, none can be started. */
export function isBusy(status: SessionStatus): boolean {
  return status.state === 'running' || status.state === 'loading' || status.state === 'evaluating';
}

/**
 * Where a step is among the phases of its method; −1 before the first. A method may come back to a
 * phase (it grades again what it has sampled again), so what has begun decides which one is meant;
 * the status may be ahead of the log.
 */
export function phaseIndex(
  phases: readonly (Phase | 'checkpoint')[],
  begun: readonly Phase[],
  now: Phase | 'checkpoint',
): number {
  const seen = begun.at(-1) === now ? begun : [...begun, now];
  let at = -1;
  for (const phase of seen) at = Math.max(at, phases.indexOf(phase, at + 1));
  return at;
}

/**
 * Seconds until steps or token budget are used up, from the mean of the last steps; null where that
 * is not known.
 */
export function secondsLeft(view: RunView): number | null {
  const last = view.updates.slice(-5);
  const first = last[0];
  if (!view.config || !first || view.finished) return null;
  const { steps, budgetTokens } = view.config;
  const spent = (u: (typeof last)[number]) => u.totals.prompt + u.totals.generated;
  const before = view.updates.at(-last.length - 1);
  const perStep = (spent(last.at(-1) ?? first) - (before ? spent(before) : 0)) / last.length;
  const left = Math.min(
    steps === null ? Infinity : steps - view.updates.length,
    budgetTokens === null || perStep <= 0
      ? Infinity
      : Math.ceil((budgetTokens - spent(last.at(-1) ?? first)) / perStep),
  );
  const mean =
    last.reduce((sum, u) => sum + u.seconds.sample + u.seconds.grade + u.seconds.update, 0) /
    last.length;
  return left === Infinity ? null : mean * Math.max(0, left);
}
