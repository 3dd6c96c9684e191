import './base.css';
import { CompareScreen } from './compare/compare-screen.tsx';
import { EvaluateScreen } from './evaluate/evaluate-screen.tsx';
import { EvaluationScreen } from './evaluate/evaluation-screen.tsx';
import { useRoute } from './hooks.ts';
import { ModelsScreen } from './models/models-screen.tsx';
import { RunScreen } from './run/run-screen.tsx';
import { formatRoute, type Route } from '../state/route.ts';
import { ErrorBoundary } from './shell/error-boundary.tsx';
import { Shell } from './shell/shell.tsx';
import { TopBar } from './shell/top-bar.tsx';
import { StartScreen } from './start/start-screen.tsx';
import { Page, PageHead } from './parts/page.tsx';
import { Sentence } from './parts/text.tsx';

export function App() {
  const route = useRoute();
  return (
    <Shell bar={<TopBar />}>
      <ErrorBoundary address={formatRoute(route)}>
        <Screen route={route} />
      </ErrorBoundary>
    </Shell>
  );
}

function Screen({ route }: { readonly route: Route }) {
  switch (route.screen) {
    case 'start':
      return <StartScreen route={route} />;
    case 'run':
    case 'rollout':
      return <RunScreen key={route.runId} route={route} />;
    case 'evaluate':
      return <EvaluateScreen />;
    case 'evaluation':
    case 'answer':
      return <EvaluationScreen key={route.id} route={route} />;
    case 'compare':
      return <CompareScreen runs={route.runs} />;
    case 'models':
      return <ModelsScreen />;
    case 'unknown':
      return (
        <Page>
          <PageHead title="There is nothing at this address.">
            <Sentence>
              The lab has no place called <code>{route.hash}</code>.{' '}
              <a href="#/">Go to the start.</a>
            </Sentence>
          </PageHead>
        </Page>
      );
    default:
      return route satisfies never;
  }
}
