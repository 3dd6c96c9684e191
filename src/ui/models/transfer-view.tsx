import { formatBytes, formatSeconds } from '../../lib/format.ts';
import type { ModelTransfer } from '../../schema/models.ts';
import { isLive } from '../../state/model-places.ts';
import { speedOf } from '../../state/speed.ts';
import { useLab, useModelsState } from '../hooks.ts';
import { Button } from '../parts/button.tsx';
import styles from './transfer-view.module.css';

const STATES: Record<ModelTransfer['state'], string> = {
  starting: 'Asking what there is to fetch',
  running: 'Fetching',
  following: 'Another tab fetches it',
  waiting: 'Waiting to try again',
  done: 'Here',
  failed: 'Failed',
  cancelled: 'Stopped',
};

/**
 * A download or import: how far, how fast, which file. Every line keeps its height, whatever stands
 * in it.
 */
export function TransferView({ transfer }: { readonly transfer: ModelTransfer }) {
  const lab = useLab();
  const samples = useModelsState((state) => state.samples[transfer.id]);
  const { id, state, done, total, file, note } = transfer;
  const speed = state === 'running' ? speedOf(samples ?? []) : null;
  const left = speed !== null && speed > 0 ? (total - done) / speed : null;
  return (
    <div className={styles.transfer} data-state={state} data-testid="transfer">
      <p className={styles.line} role="status">
        <span>{STATES[state]}</span>
        {isLive(transfer) && (
          <Button
            type="button"
            quiet
            className={styles.button}
            onClick={() => lab.models.cancel(id)}
          >
            Stop
          </Button>
        )}
      </p>
      <progress
        value={total > 0 ? done : undefined}
        max={total > 0 ? total : 1}
        aria-label="Bytes fetched"
      />
      <p className={styles.line}>
        <span data-testid="fetched">
          {total > 0 ? `${formatBytes(done)} of ${formatBytes(total)}` : '–'}
        </span>
        <span>
          {speed !== null && `${formatBytes(speed)}/s`}
          {left !== null && speed !== 0 && `, ${formatSeconds(left)} left`}
        </span>
      </p>
      <p className={styles.file} title={file ?? undefined}>
        {note ?? file ?? ' '}
      </p>
    </div>
  );
}
