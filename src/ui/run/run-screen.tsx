import type { RunRoute } from '../../state/route.ts';
import { useMemo } from 'react';
import { START } from '../../state/route.ts';
import { rowsOf } from '../../state/rows.ts';
import type { RunView } from '../../state/fold.ts';
import { go, useLab, useRun } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { RolloutScreen } from '../rollout/rollout-screen.tsx';
import { Curves } from './curves.tsx';
import { RolloutList } from './rollout-list.tsx';
import { RunHeader } from './run-header.tsx';
import './run.css';

/**
 * A run: its header above; the rollout list beside either the curves or the rollout the URL names.
 */
export function RunScreen({ route }: { readonly route: RunRoute }) {
  const lab = useLab();
  const run = useRun(route.runId);
  switch (run.state) {
    case 'loading':
      return (
        <main id="main" tabIndex={-1} className="page">
          <p className="sentence">Reading the run’s log…</p>
        </main>
      );
    case 'error':
      return (
        <main id="main" tabIndex={-1} className="page">
          <h1 className="title">This run cannot be shown.</h1>
          <p className="sentence error">{run.message}</p>
          <p>
            <button type="button" className="button" onClick={() => lab.openRun(route.runId)}>
              Try again
            </button>{' '}
            <a href="#/">Back to the start</a>
          </p>
        </main>
      );
    case 'ready':
      return <Run route={route} view={run.data} />;
    default:
      return run satisfies never;
  }
}

function Run({ route, view }: { readonly route: RunRoute; readonly view: RunView }) {
  const { show, kind, step } = route.filter;
  const rows = useMemo(() => rowsOf(view, { show, kind, step }), [view, show, kind, step]);
  useKeys({
    Escape: () =>
      go(
        route.screen === 'rollout'
          ? { screen: 'run', runId: route.runId, filter: route.filter }
          : START,
      ),
  });
  return (
    <main id="main" tabIndex={-1} className="run" data-screen={route.screen}>
      <RunHeader view={view} />
      <div className="run-body">
        <RolloutList view={view} rows={rows} route={route} />
        {route.screen === 'run' ? (
          <Curves view={view} route={route} />
        ) : (
          <RolloutScreen view={view} rows={rows} route={route} />
        )}
      </div>
    </main>
  );
}
