import { assertChanges, lineDiff, type AssertChange, type DiffLine } from '../../state/changes.ts';
import type { RolloutView } from '../../state/fold.ts';
import { VerdictMark } from '../parts/verdict-mark.tsx';
import { nameOf } from '../run/rollout-row.tsx';
import './change.css';

interface Props {
  /** The attempt that failed. */
  readonly before: RolloutView;
  readonly after: RolloutView;
}

/** Two programs for one problem and what became of them: code on one side, asserts on the other. */
export function ChangeView({ before, after }: Props) {
  return (
    <section className="sheet change" aria-labelledby="change-title" data-testid="change">
      <h3 className="label" id="change-title">
        From {nameOf(before)} to {nameOf(after)}
      </h3>
      <div className="change-columns">
        <CodeDiff before={before.completion.code} after={after.completion.code} />
        {before.verdict && after.verdict ? (
          <VerdictDiff changes={assertChanges(before.verdict, after.verdict)} />
        ) : (
          <p className="sentence">Both verdicts stand here once they are reached.</p>
        )}
      </div>
    </section>
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
      <p className="sentence">
        {before === null
          ? 'The attempt held no program to compare with.'
          : 'This answer holds no program.'}
      </p>
    );
  }
  const lines = lineDiff(before, after);
  if (lines.every(({ kind }) => kind === 'same'))
    return <p className="sentence">The program is the same, line for line.</p>;
  return (
    <ol className="diff" aria-label="Programs, line by line" tabIndex={0}>
      {lines.map((line, i) => (
        <li key={i} data-kind={line.kind}>
          <span className="diff-number">{line.before}</span>
          <span className="diff-number">{line.after}</span>
          <span className="diff-sign">
            <span aria-hidden="true">{SIGNS[line.kind]}</span>
            {line.kind !== 'same' && <span className="visually-hidden">{line.kind}: </span>}
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
  if (changes.length === 0)
    return <p className="sentence">Neither program came as far as its asserts.</p>;
  const fixed = changes.filter(({ change }) => change === 'fixed').length;
  const broken = changes.filter(({ change }) => change === 'broken').length;
  const same = changes.filter(({ change }) => change === 'passes');
  return (
    <div className="change-verdicts">
      <p className="change-sum">
        {fixed === 0 && broken === 0
          ? 'No assert changed sides.'
          : `Of ${changes.length} asserts ${fixed} now ` +
            (fixed === 1 ? 'passes' : 'pass') +
            (broken > 0 ? `, ${broken} no longer ${broken === 1 ? 'does' : 'do'}.` : '.')}
      </p>
      <Asserts changes={changes.filter(({ change }) => change !== 'passes')} />
      {same.length > 0 && (
        <details className="change-same">
          <summary>{same.length} passed before too</summary>
          <Asserts changes={same} />
        </details>
      )}
    </div>
  );
}

function Asserts({ changes }: { readonly changes: readonly AssertChange[] }) {
  return (
    <ol className="asserts">
      {changes.map(({ source, before, after, change }, i) => (
        <li key={i} data-change={change}>
          <span className="change-marks">
            {before ? <VerdictMark status={before.status} /> : <NotRun />}
            <span aria-hidden="true">→</span>
            {after ? <VerdictMark status={after.status} /> : <NotRun />}
          </span>
          <div>
            <code className="assert-source">{source}</code>
            <span className="assert-tag">{WORDS[change]}</span>
            <Values before={before} after={after} />
          </div>
        </li>
      ))}
    </ol>
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
    <p className="change-got">
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
  return <span className="mark-wait" role="img" aria-label="not run" />;
}
