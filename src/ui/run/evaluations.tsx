import type { RunView } from '../../state/fold.ts';
import { formatRate } from '../format.ts';
import { Label, Muted } from '../parts/text.tsx';
import styles from './tables.module.css';

type Eval = NonNullable<RunView['evals']['before']>;

/** The held-out problems before and after training, where the run measures them. */
export function Evaluations({ view }: { readonly view: RunView }) {
  const { before, after } = view.evals;
  if (!before && !after) return null;
  const missing = view.finished ? 'not done' : 'not yet';
  const few = (before ?? after)?.perProblem.length ?? 0;
  return (
    <section className={styles.section} aria-labelledby="evals-title">
      <Label as="h2" id="evals-title">
        Held-out problems
      </Label>
      <table>
        <thead>
          <tr>
            <th scope="col">Decoding</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">Greedy</th>
            <td>{cell(before?.greedy, missing)}</td>
            <td>{cell(after?.greedy, missing)}</td>
          </tr>
          {(before?.sampled ?? after?.sampled) && (
            <tr>
              <th scope="row">Sampled, T {(before?.sampled ?? after?.sampled)?.temperature}</th>
              <td>{cell(before?.sampled, missing)}</td>
              <td>{cell(after?.sampled, missing)}</td>
            </tr>
          )}
        </tbody>
      </table>
      {few < 100 && (
        <Muted as="p" className={styles.note}>
          {few} problems: a demonstration, not evidence.
        </Muted>
      )}
    </section>
  );
}

function cell(rate: Eval['greedy'] | Eval['sampled'] | undefined, missing: string): string {
  if (!rate) return missing;
  return formatRate(rate.rate, rate.ci95);
}
