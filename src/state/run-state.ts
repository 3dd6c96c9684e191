import type { SessionStatus } from '../schema/protocol.ts';
import type { RunView } from './fold.ts';

export type RunState = 'running' | 'pausing' | 'starting' | 'paused' | 'interrupted' | 'finished';

/** What a run is doing: the log knows how it ended, the session's status whether it is going on. */
export function runStateOf(view: RunView, status: SessionStatus): RunState {
  if (view.finished) return 'finished';
  if (status.state === 'running' && status.runId === view.runId) return status.pausing ? 'pausing' : 'running';
  if (status.state === 'paused' && status.runId === view.runId) return 'paused';
  if (status.state === 'loading') return 'starting';
  return view.paused ? 'paused' : 'interrupted';
}

/** Runs and evaluations share the GPU: while one goes on, none can be started. */
export function isBusy(status: SessionStatus): boolean {
  return status.state === 'running' || status.state === 'loading' || status.state === 'evaluating';
}

/** Seconds until the planned steps are done, from the mean of the last steps; null where that is not known. */
export function secondsLeft(view: RunView): number | null {
  const steps = view.config?.steps ?? null;
  const last = view.updates.slice(-5);
  if (steps === null || last.length === 0 || view.finished) return null;
  const mean = last.reduce((sum, u) => sum + u.seconds.sample + u.seconds.grade + u.seconds.update, 0) / last.length;
  return mean * Math.max(0, steps - view.updates.length);
}
