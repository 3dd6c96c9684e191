import { formatDate } from '../format.ts';
import { useLabState } from '../hooks.ts';
import { ResumeButton } from './resume-button.tsx';
import { Lamp } from '../parts/lamp.tsx';
import styles from './unfinished.module.css';

/** The newest run that was cut off, offered before anything new is started. */
export function Unfinished() {
  const run = useLabState((state) =>
    state.runs.state === 'ready'
      ? state.runs.data
          .filter((r) => r.state === 'interrupted')
          .toSorted((a, b) => b.startedAt - a.startedAt)[0]
      : undefined,
  );
  if (!run) return null;
  const { config } = run;
  return (
    <aside className={styles.unfinished} aria-label="An interrupted run">
      <Lamp tone="bad" />
      <p>
        The run of <b>{formatDate(run.startedAt)}</b> was cut off after step {run.step}
        {config.steps !== null && ` of ${config.steps}`}. Nothing before its last checkpoint is
        lost.
      </p>
      <ResumeButton run={run} />
    </aside>
  );
}
