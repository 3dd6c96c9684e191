import { useMemo } from 'react';
import { formatBytes } from '../../lib/format.ts';
import type { RunSummary } from '../../schema/protocol.ts';
import { formatRoute, NO_FILTER } from '../../state/route.ts';
import { formatDate } from '../format.ts';
import { useLab, useLabState } from '../hooks.ts';
import { describeRun } from '../methods.ts';
import { StoredList, StoredRow } from '../parts/stored.tsx';
import { ResumeButton } from './resume-button.tsx';

/** Runs kept on this machine, those that wait for somebody first. */
export function StoredRuns() {
  const lab = useLab();
  const runs = useLabState((state) => state.runs);
  const list = useMemo(() => (runs.state === 'ready' ? { ...runs, data: inOrder(runs.data) } : runs), [runs]);
  return (
    <StoredList
      title="Runs on this machine"
      list={list}
      none="None yet. A run is stored here from its first step on, and stays until you delete it."
      row={(run, onDelete) => <RunRow key={run.runId} run={run} onDelete={onDelete} />}
      deletion={(run) => ({
        title: `Delete the run of ${formatDate(run.startedAt)}?`,
        loss: `Its ${run.step} steps, completions, verdicts and checkpoints (${formatBytes(run.bytes)}) go for good. There is no other copy.`,
      })}
      onDelete={(run) => void lab.deleteRun(run.runId)}
    />
  );
}

const RANK: Record<RunSummary['state'], number> = { running: 0, interrupted: 1, paused: 2, finished: 3 };

function inOrder(runs: readonly RunSummary[]): RunSummary[] {
  return [...runs].sort((a, b) => RANK[a.state] - RANK[b.state] || b.startedAt - a.startedAt);
}

const WORDS: Record<RunSummary['state'], { word: string; tone: string }> = {
  running: { word: 'running', tone: 'live' },
  interrupted: { word: 'interrupted', tone: 'bad' },
  paused: { word: 'paused', tone: 'wait' },
  finished: { word: 'finished', tone: '' },
};

function RunRow({ run, onDelete }: { readonly run: RunSummary; readonly onDelete: () => void }) {
  const now = useLabState((state) => (state.status.state === 'running' && state.status.runId === run.runId ? state.status.step : run.step));
  const { steps } = run.config;
  const waits = run.state === 'interrupted' || run.state === 'paused';
  return (
    <StoredRow
      item={run}
      href={formatRoute({ screen: 'run', runId: run.runId, filter: NO_FILTER })}
      what={describeRun(run.config)}
      {...WORDS[run.state]}
      onDelete={onDelete}
      actions={waits && <ResumeButton run={run} />}
    >
      <span>
        step {now}
        {steps !== null && ` of ${steps}`}
      </span>
      {steps !== null && <meter min={0} max={steps} value={now} aria-label="Steps done" />}
    </StoredRow>
  );
}
