import '../ui/base.css';
import { useEffect } from 'react';
import type { ReportIndex } from '../schema/report.ts';
import { NO_FILTER, type Route } from '../state/route.ts';
import { CompareScreen } from '../ui/compare/compare-screen.tsx';
import { formatDate } from '../ui/format.ts';
import { go, useRoute } from '../ui/hooks.ts';
import { describeRun } from '../ui/methods.ts';
import { RunScreen } from '../ui/run/run-screen.tsx';
import { Shell } from '../ui/shell/shell.tsx';
import { Bar, Place } from '../ui/shell/top-bar.tsx';
import { Page } from '../ui/parts/page.tsx';
import { Sentence, Title } from '../ui/parts/text.tsx';

interface Props {
  readonly report: ReportIndex;
}

/** The screens that read runs, around those of a report. */
export function ReportApp({ report }: Props) {
  const { screen } = useRoute();
  const [first, ...others] = report.runs;
  const what =
    others.length > 0
      ? `${report.runs.length} runs`
      : first
        ? `a run, ${describeRun(first.config)}`
        : '';
  return (
    <Shell
      bar={
        <Bar line={`report of ${what}, made on ${formatDate(report.madeAt)}`}>
          {others.length > 0 && <Place href="#/" name="Compare" here={screen === 'compare'} />}
        </Bar>
      }
    >
      <Screen report={report} />
    </Shell>
  );
}

function Screen({ report }: Props) {
  const route = useRoute();
  switch (route.screen) {
    case 'start':
      return <Home report={report} />;
    case 'run':
    case 'rollout':
      return <RunScreen key={route.runId} route={route} />;
    case 'compare':
      return <CompareScreen runs={route.runs} />;
    case 'evaluate':
    case 'evaluation':
    case 'answer':
    case 'models':
    case 'unknown':
      return (
        <Page>
          <Title>There is nothing at this address.</Title>
          <Sentence>
            A report has its runs and nothing else. <a href="#/">Go to them.</a>
          </Sentence>
        </Page>
      );
    default:
      return route satisfies never;
  }
}

/** The start of a report is its only run, or the comparison of all. */
function Home({ report }: Props) {
  useEffect(() => go(homeOf(report), 'replace'), [report]);
  return null;
}

function homeOf({ runs }: ReportIndex): Route {
  const [first, ...others] = runs.map(({ runId }) => runId);
  if (first === undefined || others.length > 0)
    return { screen: 'compare', runs: runs.map(({ runId }) => runId) };
  return { screen: 'run', runId: first, filter: NO_FILTER };
}
