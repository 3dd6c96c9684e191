import { useEffect, useMemo } from 'react';
import { armsOf } from '../../compare/arms.ts';
import { comparableOf, type Comparable } from '../../compare/comparable.ts';
import { compareRuns, type Comparison } from '../../compare/compare.ts';
import { comparisonCsv } from '../../compare/csv.ts';
import type { RunRecord } from '../../compare/record.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Loadable } from '../../state/loadable.ts';
import { START } from '../../state/route.ts';
import { formatDate } from '../format.ts';
import { go, useLab, useLabState, useRecords } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { download } from '../parts/download.ts';
import { ArmTable, DifferenceTable } from './arm-tables.tsx';
import { Flips } from './flips.tsx';
import { RewardCurves } from './reward-curves.tsx';
import { describe, RunChooser } from './run-chooser.tsx';
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
  const result = useMemo(() => compared(runs, wanted), [runs, wanted]);
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
      return (
        <>
          <LeftOut {...result.data} />
          {result.data.comparison !== null && (
            <Figures records={result.data.records} comparison={result.data.comparison} />
          )}
        </>
      );
    default:
      return result satisfies never;
  }
}

interface Compared {
  readonly records: readonly RunRecord[];
  /** Null: fewer than two runs compare. */
  readonly comparison: Comparison | null;
  readonly left: Comparable['left'];
}

function compared(
  runs: readonly string[],
  wanted: readonly Loadable<RunRecord>[],
): Loadable<Compared> {
  if (wanted.length < 2) return { state: 'error', message: 'Choose two finished runs or more.' };
  const records: RunRecord[] = [];
  const unread: Comparable['left'][number][] = [];
  for (const [i, one] of wanted.entries()) {
    if (one.state === 'loading') return one;
    if (one.state === 'ready') records.push(one.data);
    else unread.push({ runId: runs[i]!, why: one.message });
  }
  const { kept, left } = comparableOf(records);
  try {
    return {
      state: 'ready',
      data: {
        records: kept,
        comparison: kept.length < 2 ? null : compareRuns(kept),
        left: [...unread, ...left],
      },
    };
  } catch (error) {
    return { state: 'error', message: messageOf(error) };
  }
}

/** Chosen runs that the figures below do not count, by the names that the chooser shows. */
function LeftOut({ comparison, left }: Pick<Compared, 'comparison' | 'left'>) {
  const runs = useLabState((state) => state.runs);
  if (left.length === 0) return null;
  const nameOf = (runId: string) => {
    const run = runs.state === 'ready' ? runs.data.find((r) => r.runId === runId) : undefined;
    return run ? `${describe(run)}, ${formatDate(run.startedAt)}` : runId;
  };
  return (
    <div role="status">
      {comparison === null && (
        <Sentence className={styles.warning}>
          Fewer than two of the chosen runs can be compared.
        </Sentence>
      )}
      {left.map(({ runId, why }) => (
        <Sentence key={runId} className={styles.warning}>
          Left out: <b>{nameOf(runId)}</b>. {why}
        </Sentence>
      ))}
    </div>
  );
}

function Figures({
  records,
  comparison,
}: {
  readonly records: readonly RunRecord[];
  readonly comparison: Comparison;
}) {
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
