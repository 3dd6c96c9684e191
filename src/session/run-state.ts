import { recordOf } from '../compare/record.ts';
import type { RunConfig } from '../schema/config.ts';
import type { RunEvent } from '../schema/events.ts';
import type { RunSummary, SessionStatus } from '../schema/protocol.ts';
import type { RunBytes } from '../storage/run-store.ts';

/** What a stored log says of its run; `live`: where the run is going on right now, if it is. */
export function runSummary(
  runId: string,
  events: readonly RunEvent[],
  { total, checkpoints }: RunBytes,
  live: 'running' | 'elsewhere' | null,
): RunSummary | null {
  const started = events[0];
  if (started?.type !== 'run.started') return null;
  const last = events.findLast((event) => event.type !== 'checkpoint.saved');
  const step = events.reduce(
    (most, event) => (event.type === 'update.applied' ? event.step : most),
    0,
  );
  const state = isFinished(events)
    ? 'finished'
    : live !== null
      ? live
      : last?.type === 'run.paused'
        ? 'paused'
        : 'interrupted';
  return {
    runId,
    config: started.config,
    startedAt: started.time,
    step,
    state,
    bytes: total,
    checkpoints,
  };
}

export function isFinished(events: readonly RunEvent[]): boolean {
  return events.some((event) => event.type === 'run.finished');
}

/** Whether a run has done all its steps, or used up its budget of prompt and generated tokens. */
export function isComplete(
  { steps, budgetTokens }: Pick<RunConfig, 'steps' | 'budgetTokens'>,
  step: number,
  { prompt, generated }: { readonly prompt: number; readonly generated: number },
): boolean {
  return (
    (steps !== null && step >= steps) ||
    (budgetTokens !== null && prompt + generated >= budgetTokens)
  );
}

/** What is known of a run of another tab that has said nothing yet. */
export const ELSEWHERE: SessionStatus = {
  state: 'loading',
  what: 'In another tab',
  fraction: null,
};

/** Throws a sentence unless the log has an end and lacks its evaluation after training. */
export function refuseEvaluated(runId: string, events: readonly RunEvent[]): void {
  const record = recordOf(events);
  if (!record?.finished || record.outcomes !== null || record.testProblems.length === 0)
    throw new Error(`Run ${runId} lacks no evaluation that can be done now.`);
}

/** `20260131-235959` of a time in ms, UTC: run ids sort by it. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
}
