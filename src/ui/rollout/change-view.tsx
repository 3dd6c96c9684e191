import { assertChanges, lineDiff, type AssertChange, type DiffLine } from '../../state/changes.ts';
import type { RolloutView } from '../../state/fold.ts';
import { VerdictMark } from '../parts/verdict-mark.tsx';
import { nameOf } from '../run/rollout-row.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { Hidden, Label, Sentence } from '../parts/text.tsx';
import { AssertSource, AssertTag, AssertList } from '../parts/asserts.tsx';
import { WaitMark } from '../parts/verdict-mark.tsx';
import styles from './change-view.module.css';

interface Props {
  /** The attempt that failed. */
  readonly before: RolloutView;
  readonly after: RolloutView;
}

/** Two programs for one problem and what became of them: code on one side, asserts on the other. */
export function ChangeView({ before, after }: Props) {
  return (
    <Sheet className={styles.change} aria-labelledby="change-title" data-testid="change">
      <Label as="h3" id="change-title">
        From {nameOf(before)} to {nameOf(after)}
      </Label>
      <div className={styles.columns}>
        <CodeDiff before={before.completion.code} after={after.completion.code} />
        {before.verdict && after.verdict ? (
          <VerdictDiff changes={assertChanges(before.verdict, after.verdict)} />
        ) : (
          <Sentence>Both verdicts stand here once they are reached.</Sentence>
        )}
      </div>
    </Sheet>
  );
}

function CodeDiff({
  before,
  after,
}: {
  readonly before: string | null;
  readonly after: string | null;
}) {
  if (before === null || after === null) {
    return (
      <Sentence>
        {before === null
          ? 'The attempt held no program to compare with.'
          : 'This answer holds no program.'}
      </Sentence>
    );
  }
  const lines = lineDiff(before, after);
  if (lines.every(({ kind }) => kind === 'same'))
    return <Sentence>The program is the same, line for line.</Sentence>;
  return (
    <ol className={styles.diff} aria-label="Programs, line by line" tabIndex={0}>
      {lines.map((line, i) => (
        <li key={i} data-kind={line.kind}>
          <span className={styles.number}>{line.before}</span>
          <span className={styles.number}>{line.after}</span>
          <span className={styles.sign}>
            <span aria-hidden="true">{SIGNS[line.kind]}</span>
            {line.kind !== 'same' && <Hidden>{line.kind}: </Hidden>}
          </span>
          <code>{line.text}</code>
        </li>
      ))}
    </ol>
  );
}

const SIGNS: Record<DiffLine['kind'], string> = { same: '', removed: '−', added: '+' };

const WORDS: Record<AssertChange['change'], string> = {
  fixed: 'passes now',
  broken: 'no longer passes',
  passes: 'passed before too',
  fails: 'still does not pass',
};

function VerdictDiff({ changes }: { readonly changes: readonly AssertChange[] }) {
  if (changes.length === 0) return <Sentence>Neither program came as far as its asserts.</Sentence>;
  const fixed = changes.filter(({ change }) => change === 'fixed').length;
  const broken = changes.filter(({ change }) => change === 'broken').length;
  const same = changes.filter(({ change }) => change === 'passes');
  return (
    <div className={styles.verdicts}>
      <p className={styles.sum}>
        {fixed === 0 && broken === 0
          ? 'No assert changed sides.'
          : `Of ${changes.length} asserts ${fixed} now ` +
            (fixed === 1 ? 'passes' : 'pass') +
            (broken > 0 ? `, ${broken} no longer ${broken === 1 ? 'does' : 'do'}.` : '.')}
      </p>
      <Asserts changes={changes.filter(({ change }) => change !== 'passes')} />
      {same.length > 0 && (
        <details className={styles.same}>
          <summary>{same.length} passed before too</summary>
          <Asserts changes={same} />
        </details>
      )}
    </div>
  );
}

function Asserts({ changes }: { readonly changes: readonly AssertChange[] }) {
  return (
    <AssertList>
      {changes.map(({ source, before, after, change }, i) => (
        <li key={i} data-change={change}>
          <span className={styles.marks}>
            {before ? <VerdictMark status={before.status} /> : <NotRun />}
            <span aria-hidden="true">→</span>
            {after ? <VerdictMark status={after.status} /> : <NotRun />}
          </span>
          <div>
            <AssertSource>{source}</AssertSource>
            <AssertTag className={styles.tag}>{WORDS[change]}</AssertTag>
            <Values before={before} after={after} />
          </div>
        </li>
      ))}
    </AssertList>
  );
}

/** What came out where it did not pass. */
function Values({ before, after }: Pick<AssertChange, 'before' | 'after'>) {
  const values = [
    { when: 'before', assert: before },
    { when: 'now', assert: after },
  ].flatMap(({ when, assert }) =>
    assert && assert.status !== 'pass' && assert.actual !== undefined
      ? [{ when, got: assert.actual }]
      : [],
  );
  const expected = after?.expected ?? before?.expected;
  if (values.length === 0) return null;
  return (
    <p className={styles.got}>
      {values.map(({ when, got }) => (
        <span key={when}>
          {when} <code>{got}</code>,{' '}
        </span>
      ))}
      expected <code>{expected ?? 'not known'}</code>
    </p>
  );
}

function NotRun() {
  return <WaitMark label="not run" />;
}
