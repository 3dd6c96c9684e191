import { useEffect } from 'react';
import type { Route } from '../../state/route.ts';
import { go, useEvaluationsState, useLab } from '../hooks.ts';
import { FileField } from '../parts/file-field.tsx';
import { Fact, Facts, Panel, PanelText } from '../parts/rack.tsx';
import { Label, Sentence } from '../parts/text.tsx';
import styles from './data-card.module.css';

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
    <Panel className={styles.data} aria-labelledby="data-title">
      <Label as="h2" id="data-title">
        Data
      </Label>
      <select
        className={styles.select}
        aria-labelledby="data-title"
        value={route.data}
        onChange={(event) => go({ ...route, data: event.target.value }, 'replace')}
      >
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <PanelText>
        {ABOUT.get(route.data) ?? (offered.includes(route.data) ? GIVEN : missing)}
      </PanelText>
      {datasets.state === 'error' && <Sentence error>{datasets.message}</Sentence>}
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
      <Facts>
        <Fact name="Reward">1 if all asserts pass, else 0</Fact>
        <Fact name="Test problems">held out, asked before and after</Fact>
      </Facts>
    </Panel>
  );
}
