import type { Baseline, Ledger } from '../../state/ledger.ts';
import { formatFixed, formatReward, formatSigned } from '../format.ts';
import { Hidden } from '../parts/text.tsx';
import styles from './ledger-view.module.css';

/**
 * The reward's account, from what passed to what its tokens weigh. `reflection`: paid by its
 * retries, not by asserts.
 */
export function LedgerView({
  ledger,
  reflection,
}: {
  readonly ledger: Ledger;
  readonly reflection: boolean;
}) {
  const { baseline, weight } = ledger;
  return (
    <dl className={styles.ledger} data-testid="ledger">
      <Line
        name={reflection ? 'Retries passed' : 'Asserts passed'}
        value={`${ledger.passed} of ${ledger.of}`}
      />
      <Line name="Reward" value={formatReward(ledger.reward)} note={ledger.rewardNote} />
      {baseline && <Group baseline={baseline} reflection={reflection} />}
      {(baseline || ledger.advantage !== 0) && (
        <Line
          name="Advantage"
          value={ledger.inLoss || ledger.advantage !== 0 ? formatSigned(ledger.advantage, 3) : '0'}
          note={ledger.formula ?? undefined}
          total
        />
      )}
      {weight && (
        <Line
          name="Weight in the loss"
          value={formatSigned(weight.value, 3)}
          note={weight.formula}
        />
      )}
      <div className={styles.loss} data-in={ledger.inLoss}>
        <dt>{ledger.inLoss ? 'In the loss' : 'Not in the loss'}</dt>
        <dd>{ledger.reason}</dd>
      </div>
    </dl>
  );
}

function Group({
  baseline: { mean, std, counted, earned, whose },
  reflection,
}: {
  readonly baseline: Baseline;
  readonly reflection: boolean;
}) {
  return (
    <>
      <Line
        name={reflection ? 'Without reflection' : 'Group mean'}
        value={formatFixed(mean, 3)}
        note={counted > 0 ? `${earned} of ${counted} earned 1` : undefined}
      />
      {std !== null && <Line name="Group deviation" value={formatFixed(std, 3)} />}
      <div className={styles.whose}>
        <Hidden as="dt">Whose mean</Hidden>
        <dd>{whose}</dd>
      </div>
    </>
  );
}

interface LineProps {
  readonly name: string;
  readonly value: string;
  readonly note?: string | undefined;
  readonly total?: boolean;
}

function Line({ name, value, note, total = false }: LineProps) {
  return (
    <div data-total={total}>
      <dt>{name}</dt>
      <dd>
        {note !== undefined && <span className={styles.note}>{note}</span>}
        <b>{value}</b>
      </dd>
    </div>
  );
}
