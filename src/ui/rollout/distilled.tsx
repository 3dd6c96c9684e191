import type { GroupView, RolloutView } from '../../state/fold.ts';
import { formatValue } from '../format.ts';
import { useDistillation } from '../hooks.ts';
import { nameOf, rolloutHref } from '../run/rollout-row.tsx';
import type { RunRoute } from '../../state/route.ts';
import { TargetView } from './target-view.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { Sentence, Label } from '../parts/text.tsx';
import { Prompt } from '../parts/reader.tsx';
import styles from './distilled.module.css';
import ledgerView from './ledger-view.module.css';

interface Props {
  readonly rollout: RolloutView;
  readonly group: GroupView | null;
  readonly route: RunRoute;
}

/**
 * How a program was taught to the student without the reflection, on its own page and on the
 * reflection's.
 */
export function Distilled({ rollout, group, route }: Props) {
  const all = (group?.rollouts ?? []).filter((other) => other !== null);
  const taught = all.find(
    ({ id, target }) => target !== null && (id === rollout.id || target.reflection === rollout.id),
  );
  if (!taught?.target) return null;
  const { reflection, prompt, tokens, loss } = taught.target;
  const link = (id: string) => {
    const other = all.find((one) => one.id === id);
    return id === rollout.id ? (
      'this one'
    ) : (
      <a href={rolloutHref(route, id)}>{other ? nameOf(other) : id}</a>
    );
  };
  return (
    <Sheet className={styles.distilled} aria-labelledby="distilled-title" data-testid="distilled">
      <Label as="h3" id="distilled-title">
        Distilled into the student
      </Label>
      <dl className={ledgerView.ledger}>
        <div>
          <dt>Program</dt>
          <dd>{link(taught.id)}</dd>
        </div>
        <div>
          <dt>Reflection the teacher saw</dt>
          <dd>{link(reflection)}</dd>
        </div>
        <div>
          <dt>Teacher from student</dt>
          <dd>
            <span className={ledgerView.note}>mean of {tokens} tokens, before the update</span>
            <b>{formatValue(loss)}</b>
          </dd>
        </div>
      </dl>
      <TargetTokens key={taught.id} target={taught} runId={route.runId} />
      <details>
        <summary>The teacher’s prompt, as it saw it</summary>
        <Prompt tabIndex={0} aria-label="The teacher’s prompt">
          {prompt}
        </Prompt>
      </details>
    </Sheet>
  );
}

function TargetTokens({ target, runId }: { readonly target: RolloutView; readonly runId: string }) {
  const tokens = useDistillation(runId, target.id);
  if (tokens.state === 'ready')
    return <TargetView text={target.completion.text} tokens={tokens.data} />;
  return (
    <Sentence error={tokens.state === 'error'}>
      {tokens.state === 'error' ? tokens.message : 'Reading what teacher and student expected…'}
    </Sentence>
  );
}
