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
        <main id="main" tabIndex={-1} className="page">
          <div className="start-head">
            <h1 className="title">There is nothing at this address.</h1>
            <p className="sentence">
              The lab has no place called <code>{route.hash}</code>.{' '}
              <a href="#/">Go to the start.</a>
            </p>
          </div>
        </main>
      );
    default:
      return route satisfies never;
  }
}
