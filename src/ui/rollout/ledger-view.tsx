import type { Ledger } from '../../state/ledger.ts';
import { formatFixed, formatSigned } from '../format.ts';

/** The reward's account, from asserts to advantage. */
export function LedgerView({ ledger }: { readonly ledger: Ledger }) {
  return (
    <dl className="ledger" data-testid="ledger">
      <Line name="Asserts passed" value={`${ledger.passed} of ${ledger.asserts}`} />
      <Line
        name="Reward"
        value={ledger.reward === null ? 'none' : String(ledger.reward)}
        note={ledger.reward === null ? 'the sandbox failed' : ledger.reward === 1 ? 'every assert passed' : 'all must pass for 1'}
      />
      <Line
        name="Group mean"
        value={formatFixed(ledger.groupMean, 3)}
        note={ledger.counted > 0 ? `${ledger.earned} of ${ledger.counted} earned 1` : undefined}
      />
      <Line name="Group deviation" value={formatFixed(ledger.groupStd, 3)} />
      <Line
        name="Advantage"
        value={ledger.inLoss || ledger.advantage !== 0 ? formatSigned(ledger.advantage, 3) : '0'}
        note={ledger.formula ?? undefined}
        total
      />
      <div className="ledger-loss" data-in={ledger.inLoss}>
        <dt>{ledger.inLoss ? 'In the loss' : 'Not in the loss'}</dt>
        <dd>{ledger.reason}</dd>
      </div>
    </dl>
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
        {note !== undefined && <span className="ledger-note">{note}</span>}
        <b>{value}</b>
      </dd>
    </div>
  );
}
