import type { RunSummary } from '../../schema/protocol.ts';
import { formatDate } from '../format.ts';
import { formatRoute, NO_FILTER } from '../../state/route.ts';
import { go, useLab, useLabState } from '../hooks.ts';

/**
 * Every stored run with a box; ticking one changes the address. Runs the address names and nobody
 * stores are left to the result.
 */
export function RunChooser({ chosen }: { readonly chosen: readonly string[] }) {
  const { isReport } = useLab();
  const runs = useLabState((state) => state.runs);
  function choose(runId: string, on: boolean): void {
    go(
      { screen: 'compare', runs: on ? [...chosen, runId] : chosen.filter((id) => id !== runId) },
      'replace',
    );
  }
  if (runs.state === 'loading') return <p className="sentence">Reading what is stored…</p>;
  if (runs.state === 'error') return <p className="sentence error">{runs.message}</p>;
  if (runs.data.length === 0) {
    return (
      <p className="sentence">
        No run is stored on this machine yet. <a href="#/">Start two</a> with the same seed and
        other settings.
      </p>
    );
  }
  return (
    <fieldset className="compare-runs">
      <legend className="label">{isReport ? 'Runs in this report' : 'Runs on this machine'}</legend>
      {runs.data.map((run) => (
        <div key={run.runId} className="compare-run" data-state={run.state}>
          <label>
            <input
              type="checkbox"
              checked={chosen.includes(run.runId)}
              onChange={(event) => choose(run.runId, event.target.checked)}
            />
            <span>{describe(run)}</span>
            <span className="muted">
              {formatDate(run.startedAt)}
              {run.state !== 'finished' && `, ${run.state}`}
            </span>
          </label>
          <a
            href={formatRoute({ screen: 'run', runId: run.runId, filter: NO_FILTER })}
            aria-label={`Open ${run.runId}`}
          >
            Open
          </a>
        </div>
      ))}
    </fieldset>
  );
}

function describe({ config, step }: RunSummary): string {
  return `${config.method}, seed ${config.seed}, ${config.model} on ${config.dataset}, ${step} steps`;
}
