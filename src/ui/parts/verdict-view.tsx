import { formatCount } from '../../lib/format.ts';
import { passCount, type AssertVerdict, type Verdict } from '../../schema/verdict.ts';
import { VerdictMark } from './verdict-mark.tsx';
import { Label, Muted, Sentence } from './text.tsx';
import { AssertSource, AssertTag, AssertList } from './asserts.tsx';
import styles from './verdict-view.module.css';

interface Props {
  readonly verdict: Verdict;
  /** Tells which asserts the model had seen. */
  readonly prompt: string;
  /** Leaves out the asserts that pass. */
  readonly onlyFailing?: boolean;
}

/** A verdict assert by assert. */
export function VerdictView({ verdict, prompt, onlyFailing = false }: Props) {
  const seen = (assert: AssertVerdict) => prompt.includes(assert.source.trim());
  const someSeen = verdict.asserts.some(seen);
  return (
    <div className={styles.verdict} data-testid="verdict">
      <p className={styles.sum}>
        <VerdictMark status={verdict.status} word />
        <Muted>
          {verdict.asserts.length > 0 &&
            `${passCount(verdict)} of ${verdict.asserts.length} asserts pass, `}
          {formatCount(verdict.ms)} ms
        </Muted>
      </p>
      <Sentence className={styles.explanation}>{explain(verdict)}</Sentence>
      {verdict.error && (
        <div className={styles.error}>
          <Label as="h3">Error</Label>
          <p>
            <code>
              <b>{verdict.error.type}</b>
              {verdict.error.message !== '' && `: ${verdict.error.message}`}
            </code>
          </p>
          {verdict.error.lines.length > 0 && (
            <Muted as="p">
              {verdict.error.lines.length === 1 ? 'line' : 'lines'}{' '}
              {verdict.error.lines.join(' → ')} of the program
            </Muted>
          )}
        </div>
      )}
      <AssertList>
        {verdict.asserts.map((assert, i) =>
          onlyFailing && assert.status === 'pass' ? null : (
            <li key={i} data-status={assert.status}>
              <VerdictMark status={assert.status} />
              <div>
                <AssertSource>{assert.source}</AssertSource>
                {someSeen && <AssertTag>{seen(assert) ? 'shown' : 'hidden'}</AssertTag>}
                {assert.status !== 'pass' &&
                  (assert.actual !== undefined || assert.expected !== undefined) && (
                    <dl className={styles.values}>
                      <div>
                        <dt>got</dt>
                        <dd>{assert.actual ?? 'nothing'}</dd>
                      </div>
                      <div>
                        <dt>expected</dt>
                        <dd>{assert.expected ?? 'not known'}</dd>
                      </div>
                    </dl>
                  )}
              </div>
            </li>
          ),
        )}
      </AssertList>
      <Output name="Printed" text={verdict.stdout} />
      <Output name="Error output" text={verdict.stderr} />
    </div>
  );
}

function Output({ name, text }: { readonly name: string; readonly text: string | undefined }) {
  if (text === undefined || text === '') return null;
  return (
    <div>
      <Label as="h3">{name}</Label>
      <pre className={styles.output} tabIndex={0}>
        {text}
      </pre>
    </div>
  );
}

function explain(verdict: Verdict): string | null {
  switch (verdict.status) {
    case 'pass':
    case 'fail':
      return null;
    case 'error':
      return 'The program raised an error before its asserts could all be judged.';
    case 'timeout':
      return 'The program did not end in time and was stopped; probably a loop without end.';
    case 'crash':
      return 'The program took its sandbox down twice, so it counts as failed.';
    case 'infra':
      return 'The sandbox failed, not the program: this answer is neither rewarded nor counted.';
    case 'no-code':
      return 'The completion holds no program, so there was nothing to run.';
    default:
      return verdict.status satisfies never;
  }
}
