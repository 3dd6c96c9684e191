import type { RunSummary } from '../../schema/protocol.ts';
import { formatDate } from '../format.ts';
import { formatRoute, NO_FILTER } from '../../state/route.ts';
import { go, useLab, useLabState } from '../hooks.ts';
import { Label, Muted, Sentence } from '../parts/text.tsx';
import styles from './compare.module.css';

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
  if (runs.state === 'loading') return <Sentence>Reading what is stored…</Sentence>;
  if (runs.state === 'error') return <Sentence error>{runs.message}</Sentence>;
  if (runs.data.length === 0) {
    return (
      <Sentence>
        No run is stored on this machine yet. <a href="#/">Start two</a> with the same seed and
        other settings.
      </Sentence>
    );
  }
  return (
    <fieldset className={styles.runs}>
      <Label as="legend">{isReport ? 'Runs in this report' : 'Runs on this machine'}</Label>
      {runs.data.map((run) => (
        <div key={run.runId} className={styles.run} data-state={run.state}>
          <label>
            <input
              type="checkbox"
              checked={chosen.includes(run.runId)}
              onChange={(event) => choose(run.runId, event.target.checked)}
            />
            <span>{describe(run)}</span>
            <Muted className={styles.when}>
              {formatDate(run.startedAt)}
              {run.state !== 'finished' &&
                `, ${run.state === 'elsewhere' ? 'running in another tab' : run.state}`}
            </Muted>
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

/** The name that a run goes by here. */
export function describe({ config, step }: RunSummary): string {
  return `${config.method}, seed ${config.seed}, ${config.model} on ${config.dataset}, ${step} steps`;
}
