import { formatCount, formatPercent } from '../../lib/format.ts';
import type { RunView } from '../../state/fold.ts';
import { answersOf, kindsOf, rescueOf } from '../../state/outcomes.ts';
import { formatValue } from '../format.ts';
import { KIND_WORDS } from '../../settings/kinds.ts';
import { Label, Muted } from '../parts/text.tsx';
import styles from './tables.module.css';

/**
 * The run's completions by kind, where the method makes several, and what second answers came to.
 */
export function Kinds({ view }: { readonly view: RunView }) {
  const kinds = kindsOf(view);
  const sentence = secondAnswers(view);
  if (kinds.length < 2 && sentence === null) return null;
  return (
    <section className={styles.section} aria-labelledby="kinds-title">
      <Label as="h2" id="kinds-title">
        Completions of the run so far
      </Label>
      {kinds.length > 1 && (
        <div className={styles.scroll} tabIndex={0} role="region" aria-labelledby="kinds-title">
          <table>
            <thead>
              <tr>
                <th scope="col">Kind</th>
                <th scope="col">Written</th>
                <th scope="col">Pass</th>
                <th scope="col">Prompt tokens</th>
                <th scope="col">Generated</th>
                <th scope="col">Trained on</th>
                <th scope="col">Gradient norm, last step</th>
              </tr>
            </thead>
            <tbody>
              {kinds.map(({ kind, completions, passes, infra, tokens, gradNorm }) => (
                <tr key={kind}>
                  <th scope="row">{KIND_WORDS[kind][1]}</th>
                  <td>{formatCount(completions)}</td>
                  <td>
                    {kind === 'reflection' || completions === infra
                      ? '–'
                      : formatPercent(passes / (completions - infra))}
                  </td>
                  <td>{formatCount(tokens.prompt)}</td>
                  <td>{formatCount(tokens.generated)}</td>
                  <td>{formatCount(tokens.trained)}</td>
                  <td>{formatValue(gradNorm)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {sentence !== null && (
        <Muted as="p" className={styles.note}>
          {sentence}
        </Muted>
      )}
    </section>
  );
}

function secondAnswers(view: RunView): string | null {
  const rescue = rescueOf(view);
  const answers = answersOf(view);
  if (!rescue || !answers || rescue.failed === 0 || answers.answers === 0) return null;
  const share = (n: number) => formatPercent(n / answers.answers);
  const hidden =
    answers.visibleOnly === null
      ? ''
      : ` ${share(answers.visibleOnly)} pass every assert they were shown and not all there ` +
        'are, the sign of answers learnt by heart.';
  return (
    `${formatCount(rescue.rescued)} of ${formatCount(rescue.failed)} failed first ` +
    `attempts rescued (${formatPercent(rescue.rescued / rescue.failed)}). Of ` +
    `${formatCount(answers.answers)} second answers ${share(answers.passes)} pass; ` +
    `${share(answers.changed)} differ from the first by more than white space.${hidden}`
  );
}
