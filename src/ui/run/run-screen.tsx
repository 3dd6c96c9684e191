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
import { Page } from '../parts/page.tsx';
import { Sentence, Title } from '../parts/text.tsx';
import { Button } from '../parts/button.tsx';
import { Console } from '../parts/console.tsx';
import styles from './run-screen.module.css';

/**
 * A run: its header above; the rollout list beside either the curves or the rollout the URL names.
 */
export function RunScreen({ route }: { readonly route: RunRoute }) {
  const lab = useLab();
  const run = useRun(route.runId);
  switch (run.state) {
    case 'loading':
      return (
        <Page>
          <Sentence>Reading the run’s log…</Sentence>
        </Page>
      );
    case 'error':
      return (
        <Page>
          <Title>This run cannot be shown.</Title>
          <Sentence error>{run.message}</Sentence>
          <p>
            <Button type="button" onClick={() => lab.openRun(route.runId)}>
              Try again
            </Button>{' '}
            <a href="#/">Back to the start</a>
          </p>
        </Page>
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
    <Console screen={route.screen}>
      <RunHeader view={view} />
      <div className={styles.body}>
        <RolloutList view={view} rows={rows} route={route} />
        {route.screen === 'run' ? (
          <Curves view={view} route={route} />
        ) : (
          <RolloutScreen view={view} rows={rows} route={route} />
        )}
      </div>
    </Console>
  );
}
