import { useMemo } from 'react';
import { problemsShown, type EvaluationView } from '../../state/evaluation.ts';
import type { EvaluationRoute } from '../../state/route.ts';
import { go, useEvaluation, useLab } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { AnswerView } from './answer-view.tsx';
import { EvaluationHeader } from './evaluation-header.tsx';
import { ProblemTable } from './problem-table.tsx';
import { Page } from '../parts/page.tsx';
import { Sentence, Title } from '../parts/text.tsx';
import { Button } from '../parts/button.tsx';
import { Console } from '../parts/console.tsx';

/** An evaluation: its figures above; below, its problems or the answer that the URL names. */
export function EvaluationScreen({ route }: { readonly route: EvaluationRoute }) {
  const lab = useLab();
  const evaluation = useEvaluation(route.id);
  switch (evaluation.state) {
    case 'loading':
      return (
        <Page>
          <Sentence>Reading the evaluation’s log…</Sentence>
        </Page>
      );
    case 'error':
      return (
        <Page>
          <Title>This evaluation cannot be shown.</Title>
          <Sentence error>{evaluation.message}</Sentence>
          <p>
            <Button type="button" onClick={() => lab.evaluations.open(route.id)}>
              Try again
            </Button>{' '}
            <a href="#/evaluate">All evaluations</a>
          </p>
        </Page>
      );
    case 'ready':
      return <Evaluation route={route} view={evaluation.data} />;
    default:
      return evaluation satisfies never;
  }
}

function Evaluation({
  route,
  view,
}: {
  readonly route: EvaluationRoute;
  readonly view: EvaluationView;
}) {
  const { outcome, find } = route.filter;
  const shown = useMemo(() => problemsShown(view, { outcome, find }), [view, outcome, find]);
  useKeys({
    Escape: () =>
      go(
        route.screen === 'answer'
          ? { screen: 'evaluation', id: route.id, filter: route.filter }
          : { screen: 'evaluate' },
      ),
  });
  return (
    <Console screen={route.screen}>
      <EvaluationHeader view={view} />
      {route.screen === 'answer' ? (
        <AnswerView
          key={`${route.sample}/${route.problem}`}
          route={route}
          view={view}
          shown={shown}
        />
      ) : (
        <ProblemTable route={route} view={view} shown={shown} />
      )}
    </Console>
  );
}
