import { useState } from 'react';
import { formatBytes } from '../../lib/format.ts';
import type { RunSummary } from '../../schema/protocol.ts';
import { formatRoute, NO_FILTER } from '../../state/route.ts';
import { formatDate } from '../format.ts';
import { useLab, useLabState } from '../hooks.ts';
import { Modal } from '../parts/modal.tsx';
import { ResumeButton } from './resume-button.tsx';

/** Runs kept on this machine, those that wait for somebody first. */
export function StoredRuns() {
  const lab = useLab();
  const runs = useLabState((state) => state.runs);
  const [doomed, setDoomed] = useState<RunSummary | null>(null);
  return (
    <section className="stored" aria-labelledby="stored-title">
      <h2 id="stored-title">Runs on this machine</h2>
      {runs.state === 'loading' && <p className="sentence">Reading what is stored…</p>}
      {runs.state === 'error' && <p className="sentence error">{runs.message}</p>}
      {runs.state === 'ready' && runs.data.length === 0 && (
        <p className="sentence">None yet. A run is stored here from its first step on, and stays until you delete it.</p>
      )}
      {runs.state === 'ready' && runs.data.length > 0 && (
        <ul className="run-rows">
          {inOrder(runs.data).map((run) => (
            <RunRow key={run.runId} run={run} onDelete={() => setDoomed(run)} />
          ))}
        </ul>
      )}
      {doomed && (
        <ConfirmDelete
          run={doomed}
          onClose={(confirmed) => {
            setDoomed(null);
            if (confirmed) void lab.deleteRun(doomed.runId);
          }}
        />
      )}
    </section>
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
  const href = formatRoute({ screen: 'run', runId: run.runId, filter: NO_FILTER });
  const now = useLabState((state) => (state.status.state === 'running' && state.status.runId === run.runId ? state.status.step : run.step));
  const { config } = run;
  const waits = run.state === 'interrupted' || run.state === 'paused';
  const { word, tone } = WORDS[run.state];

  return (
    <li data-state={run.state}>
      <div className="run-name">
        <a href={href}>{formatDate(run.startedAt)}</a>
        <span className="muted">
          {config.method.toUpperCase()} · {config.model} · {config.dataset} · seed {config.seed}
        </span>
      </div>
      <p className="run-state">
        <span className="lamp" data-tone={tone} /> {word}
      </p>
      <div className="run-progress">
        <span>
          step {now}
          {config.steps !== null && ` of ${config.steps}`}
        </span>
        {config.steps !== null && <meter min={0} max={config.steps} value={now} aria-label="Steps done" />}
      </div>
      <span className="run-size muted">{formatBytes(run.bytes)}</span>
      <div className="run-actions">
        {waits && <ResumeButton run={run} />}
        <a className="button quiet" href={href}>
          Open
        </a>
        <button type="button" className="button quiet danger" disabled={run.state === 'running'} onClick={onDelete}>
          Delete
        </button>
      </div>
    </li>
  );
}

function ConfirmDelete({ run, onClose }: { readonly run: RunSummary; readonly onClose: (confirmed: boolean) => void }) {
  return (
    <Modal className="confirm" title={`Delete the run of ${formatDate(run.startedAt)}?`} onClose={(result) => onClose(result === 'delete')}>
      <p className="sentence">
        Its {run.step} steps, completions, verdicts and checkpoints ({formatBytes(run.bytes)}) go for good. There is no other
        copy.
      </p>
      <form method="dialog">
        <button className="button" value="keep" autoFocus>
          Keep it
        </button>
        <button className="button danger" value="delete">
          Delete for good
        </button>
      </form>
    </Modal>
  );
}
