import { useEffect } from 'react';
import type { Route } from '../../state/route.ts';
import { go, useEvaluationsState, useLab } from '../hooks.ts';
import { Fact } from '../parts/fact.tsx';
import { FileField } from '../parts/file-field.tsx';

const ABOUT: ReadonlyMap<string, string> = new Map([
  [
    'starter',
    'Python problems of the project’s own. Some asserts are shown to the model; hidden ones must ' +
      'pass too.',
  ],
  [
    'mbpp',
    'Problems of MBPP with three asserts each, in its own splits without what MBPP+ evaluates on. ' +
      'Fetched from the hub once.',
  ],
  ['mbpp-sanitized', 'The part of MBPP that people have read through. Fetched from the hub once.'],
]);

const GIVEN = 'From a file that was given, kept in this browser.';

/** The problems that are trained on. */
export function DataCard({ route }: { readonly route: Extract<Route, { screen: 'start' }> }) {
  const { evaluations } = useLab();
  useEffect(() => evaluations.readDatasets(), [evaluations]);
  const datasets = useEvaluationsState((state) => state.datasets);
  const offered =
    datasets.state === 'ready'
      ? datasets.data
          .filter(({ trains, needs }) => trains && needs === null)
          .map(({ name }) => name)
      : [];
  const missing =
    datasets.state === 'ready'
      ? 'There is no data set of that name here; choose one of the list, or give its file.'
      : 'Reading what there is…';
  const names = offered.includes(route.data) ? offered : [route.data, ...offered];
  return (
    <section className="module data-module" aria-labelledby="data-title">
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
      <p className="module-text">
        {ABOUT.get(route.data) ?? (offered.includes(route.data) ? GIVEN : missing)}
      </p>
      {datasets.state === 'error' && <p className="sentence error">{datasets.message}</p>}
      <FileField
        label="From a file"
        hint="MBPP’s form, with a training split"
        accept=".jsonl,.json,.gz,.parquet"
        file={null}
        onFile={(file) =>
          void evaluations
            .addDataset(file)
            .then((name) => name !== null && go({ ...route, data: name }, 'replace'))
        }
      />
      <dl className="facts">
        <Fact name="Reward">1 if all asserts pass, else 0</Fact>
        <Fact name="Test problems">held out, asked before and after</Fact>
      </dl>
    </section>
  );
}
