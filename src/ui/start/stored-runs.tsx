import { useMemo, type ReactNode } from 'react';
import { messageOf } from '../../lib/errors.ts';
import { formatBytes } from '../../lib/format.ts';
import { zip } from '../../lib/zip.ts';
import type { RunSummary } from '../../schema/protocol.ts';
import { formatRoute, NO_FILTER } from '../../state/route.ts';
import { formatDate } from '../format.ts';
import { useLab, useLabState } from '../hooks.ts';
import { describeRun } from '../methods.ts';
import { save } from '../parts/download.ts';
import { StoredList, StoredRow } from '../parts/stored.tsx';
import { ResumeButton } from './resume-button.tsx';
import { Button } from '../parts/button.tsx';

interface Props {
  readonly tools?: ReactNode;
  /** Says what checkpoints take, and offers the run as an archive. */
  readonly detailed?: boolean;
}

/** Runs kept on this machine, those that wait for somebody first. */
export function StoredRuns({ tools, detailed = false }: Props) {
  const lab = useLab();
  const runs = useLabState((state) => state.runs);
  const list = useMemo(
    () => (runs.state === 'ready' ? { ...runs, data: inOrder(runs.data) } : runs),
    [runs],
  );
  return (
    <StoredList
      title="Runs on this machine"
      list={list}
      none="None yet. A run is stored here from its first step on, and stays until you delete it."
      row={(run, onDelete) => (
        <RunRow key={run.runId} run={run} detailed={detailed} onDelete={onDelete} />
      )}
      deletion={(run) => ({
        title: `Delete the run of ${formatDate(run.startedAt)}?`,
        loss:
          `Its ${run.step} steps, completions, verdicts and checkpoints ` +
          `(${formatBytes(run.bytes)}) go for good. There is no other copy.`,
      })}
      onDelete={(run) => void lab.deleteRun(run.runId)}
      tools={tools}
    />
  );
}

const RANK: Record<RunSummary['state'], number> = {
  running: 0,
  elsewhere: 0,
  interrupted: 1,
  paused: 2,
  finished: 3,
};

function inOrder(runs: readonly RunSummary[]): RunSummary[] {
  return [...runs].sort((a, b) => RANK[a.state] - RANK[b.state] || b.startedAt - a.startedAt);
}

const WORDS: Record<RunSummary['state'], { word: string; tone: string }> = {
  running: { word: 'running', tone: 'live' },
  elsewhere: { word: 'running in another tab', tone: 'live' },
  interrupted: { word: 'interrupted', tone: 'bad' },
  paused: { word: 'paused', tone: 'wait' },
  finished: { word: 'finished', tone: '' },
};

interface RowProps {
  readonly run: RunSummary;
  readonly detailed: boolean;
  readonly onDelete: () => void;
}

function RunRow({ run, detailed, onDelete }: RowProps) {
  const now = useLabState((state) => {
    const status = state.elsewhere.get(run.runId) ?? state.status;
    return status.state === 'running' && status.runId === run.runId ? status.step : run.step;
  });
  const { steps } = run.config;
  const waits = run.state === 'interrupted' || run.state === 'paused';
  return (
    <StoredRow
      item={run}
      href={formatRoute({ screen: 'run', runId: run.runId, filter: NO_FILTER })}
      what={describeRun(run.config)}
      {...WORDS[run.state]}
      onDelete={onDelete}
      actions={
        <>
          {waits && <ResumeButton run={run} />}
          {detailed && <ExportButton run={run} />}
        </>
      }
    >
      <span>
        step {now}
        {steps !== null && ` of ${steps}`}
        {detailed && `, checkpoints ${formatBytes(run.checkpoints)}`}
      </span>
      {steps !== null && <meter min={0} max={steps} value={now} aria-label="Steps done" />}
    </StoredRow>
  );
}

/**
 * The run's folder as an archive, which this screen takes in again anywhere: everything but its
 * checkpoints.
 */
function ExportButton({ run }: { readonly run: RunSummary }) {
  const lab = useLab();

  async function exportIt() {
    const files = await lab.runFiles(run.runId);
    if (files)
      await zip(files).then(
        (archive) => save(`${run.runId}.zip`, archive),
        (error: unknown) => lab.notify(messageOf(error)),
      );
  }

  return (
    <Button
      type="button"
      quiet
      disabled={run.state === 'running' || run.state === 'elsewhere'}
      onClick={() => void exportIt()}
    >
      Export
    </Button>
  );
}
