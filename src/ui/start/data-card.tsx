import { useEffect } from 'react';
import type { Route } from '../../state/route.ts';
import { go, useEvaluationsState, useLab } from '../hooks.ts';
import { Fact } from '../parts/fact.tsx';

const ABOUT: Readonly<Record<string, string>> = {
  starter: 'Python problems of the project’s own. Some asserts are shown to the model; hidden ones must pass too.',
  mbpp: 'Problems of MBPP with three asserts each, in its own splits without what MBPP+ evaluates on. Fetched from the hub once.',
  'mbpp-sanitized': 'The part of MBPP that people have read through. Fetched from the hub once.',
};

/** The problems that are trained on. */
export function DataCard({ route }: { readonly route: Extract<Route, { screen: 'start' }> }) {
  const { evaluations } = useLab();
  useEffect(() => evaluations.readDatasets(), [evaluations]);
  const datasets = useEvaluationsState((state) => state.datasets);
  const offered = datasets.state === 'ready' ? datasets.data.filter(({ trains, needs }) => trains && needs === null).map(({ name }) => name) : [];
  const names = offered.includes(route.data) ? offered : [route.data, ...offered];
  return (
    <section className="module" aria-labelledby="data-title">
      <h2 className="label" id="data-title">
        Data
      </h2>
      <select
        className="module-select"
        aria-labelledby="data-title"
        value={route.data}
        onChange={(event) => go({ ...route, data: event.target.value }, 'replace')}
      >
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <p className="module-text">{ABOUT[route.data] ?? 'This page trains on no data set of that name; choose one of the list.'}</p>
      {datasets.state === 'error' && <p className="sentence error">{datasets.message}</p>}
      <dl className="facts">
        <Fact name="Reward">1 if all asserts pass, else 0</Fact>
        <Fact name="Test problems">held out, asked before and after</Fact>
      </dl>
    </section>
  );
}
