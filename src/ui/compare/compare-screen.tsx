import { useEffect, useMemo } from 'react';
import { armsOf } from '../../compare/arms.ts';
import { refusalOf } from '../../compare/comparable.ts';
import { compareRuns, type Comparison } from '../../compare/compare.ts';
import { comparisonCsv } from '../../compare/csv.ts';
import type { RunRecord } from '../../compare/record.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Loadable } from '../../state/loadable.ts';
import { START } from '../../state/route.ts';
import { go, useLab, useRecords } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { download } from '../parts/download.ts';
import { ArmTable, DifferenceTable } from './arm-tables.tsx';
import { Flips } from './flips.tsx';
import { RewardCurves } from './reward-curves.tsx';
import { RunChooser } from './run-chooser.tsx';
import { SettingsTable } from './settings-table.tsx';
import { Page, PageHead } from '../parts/page.tsx';
import { Hidden, Muted, Sentence } from '../parts/text.tsx';
import { ActionRow } from '../parts/console.tsx';
import { Button } from '../parts/button.tsx';
import styles from './compare.module.css';

/** Stored runs beside each other; the URL says which. */
export function CompareScreen({ runs }: { readonly runs: readonly string[] }) {
  const lab = useLab();
  useEffect(() => lab.refreshRuns(), [lab]);
  useKeys({ Escape: () => go(START) });
  return (
    <Page>
      <PageHead title="What did each method learn?">
        <Sentence>
          Finished runs on the same test problems, paired problem by problem. Runs that differ in
          their seed only count as one method.
        </Sentence>
      </PageHead>
      <RunChooser chosen={runs} />
      <Result runs={runs} />
    </Page>
  );
}

function Result({ runs }: { readonly runs: readonly string[] }) {
  const held = useRecords(runs);
  const wanted = useMemo(
    () => runs.map((run): Loadable<RunRecord> => held.get(run) ?? { state: 'loading' }),
    [runs, held],
  );
  const result = useMemo(() => compared(wanted), [wanted]);
  switch (result.state) {
    case 'loading':
      return <Sentence>Reading the logs of {runs.length} runs…</Sentence>;
    case 'error':
      return (
        <Sentence className={styles.warning} role="status">
          {result.message}
        </Sentence>
      );
    case 'ready':
      return <Figures {...result.data} />;
    default:
      return result satisfies never;
  }
}

interface Compared {
  readonly records: readonly RunRecord[];
  readonly comparison: Comparison;
}

function compared(wanted: readonly Loadable<RunRecord>[]): Loadable<Compared> {
  const records: RunRecord[] = [];
  for (const one of wanted) {
    if (one.state === 'error') return one;
    if (one.state === 'ready') records.push(one.data);
  }
  if (wanted.length < 2) return { state: 'error', message: 'Choose two finished runs or more.' };
  if (records.length < wanted.length) return { state: 'loading' };
  const refusal = refusalOf(records);
  if (refusal !== null) return { state: 'error', message: refusal };
  try {
    return { state: 'ready', data: { records, comparison: compareRuns(records) } };
  } catch (error) {
    return { state: 'error', message: messageOf(error) };
  }
}

function Figures({ records, comparison }: Compared) {
  const arms = useMemo(() => armsOf(records).arms, [records]);
  const { label, notes, problems } = comparison;
  return (
    <div className={styles.result} data-testid="comparison">
      <section aria-labelledby="compare-learned">
        <div className={styles.head}>
          <h2 id="compare-learned">Learned</h2>
          <ActionRow>
            <Button
              type="button"
              onClick={() =>
                download(
                  'comparison.json',
                  JSON.stringify(comparison, null, 2) + '\n',
                  'application/json',
                )
              }
            >
              <Hidden>Save </Hidden>
              <span aria-hidden="true">↓</span>comparison.json
            </Button>
            <Button
              type="button"
              onClick={() => download('comparison.csv', comparisonCsv(comparison), 'text/csv')}
            >
              <Hidden>Save </Hidden>
              <span aria-hidden="true">↓</span>comparison.csv
            </Button>
          </ActionRow>
        </div>
        <ArmTable comparison={comparison} />
        <Muted as="p" className={styles.note}>
          pass@1 on {problems} test problems, before and after training. Brackets are 95 % intervals
          over problems.
        </Muted>
        {label !== null && <Sentence className={styles.warning}>This is a {label}.</Sentence>}
        {notes.map((note) => (
          <Sentence key={note} className={styles.warning}>
            {note}
          </Sentence>
        ))}
      </section>
      <DifferenceTable comparison={comparison} />
      <RewardCurves arms={arms} />
      <Flips comparison={comparison} />
      <SettingsTable arms={arms} />
    </div>
  );
}
