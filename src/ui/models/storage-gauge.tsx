import { formatBytes, formatPercent } from '../../lib/format.ts';
import type { ModelRoom } from '../../schema/models.ts';
import {
  useAdaptersState,
  useEvaluationsState,
  useLab,
  useLabState,
  useModelsState,
} from '../hooks.ts';
import { Sentence } from '../parts/text.tsx';
import { Facts, PanelText } from '../parts/rack.tsx';
import { Lamp } from '../parts/lamp.tsx';
import { Button } from '../parts/button.tsx';
import styles from './storage-gauge.module.css';

/** The room this page has, what takes it, and whether the browser promises to keep it. */
export function StorageGauge() {
  const shelf = useModelsState((state) => state.shelf);
  if (shelf.state === 'error') return <Sentence error>{shelf.message}</Sentence>;
  return (
    <section className={styles.storage} aria-label="Storage" aria-busy={shelf.state === 'loading'}>
      <Room room={shelf.state === 'ready' ? shelf.data.room : null} />
      <Kept room={shelf.state === 'ready' ? shelf.data.room : null} />
    </section>
  );
}

function Room({ room }: { readonly room: ModelRoom | null }) {
  const lab = useLab();
  const used = room?.used ?? null;
  const free = room?.free ?? null;
  const whole = used !== null && free !== null ? used + free : null;
  return (
    <div className={styles.room}>
      <p className={styles.sum}>
        <b>{used === null ? '–' : formatBytes(used)}</b> used
        {free !== null && (
          <>
            , <b>{formatBytes(free)}</b> left for this page
          </>
        )}
      </p>
      <meter min={0} max={whole ?? 1} value={used ?? 0} aria-label="Storage used">
        {whole !== null && used !== null && formatPercent(used / whole)}
      </meter>
      <div className={styles.promise}>
        <PanelText>
          <Lamp tone={room?.persisted ? 'good' : 'wait'} />{' '}
          {room?.persisted
            ? 'The browser keeps all of it until you delete it.'
            : 'The browser may clear all of it when the disk runs short.'}
        </PanelText>
        {room?.persisted === false && (
          <Button type="button" onClick={() => void lab.models.persist()}>
            Ask it to keep everything
          </Button>
        )}
      </div>
    </div>
  );
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);

/** What takes the room, by kind. */
function Kept({ room }: { readonly room: ModelRoom | null }) {
  const models = useModelsState((state) =>
    state.shelf.state === 'ready' ? sum(state.shelf.data.stored.map(({ bytes }) => bytes)) : null,
  );
  const runs = useLabState((state) =>
    state.runs.state === 'ready' ? sum(state.runs.data.map(({ bytes }) => bytes)) : null,
  );
  const checkpoints = useLabState((state) =>
    state.runs.state === 'ready' ? sum(state.runs.data.map((run) => run.checkpoints)) : null,
  );
  const evaluations = useEvaluationsState((state) =>
    state.list.state === 'ready' ? sum(state.list.data.map(({ bytes }) => bytes)) : null,
  );
  const adapters = useAdaptersState((state) =>
    state.list.state === 'ready' ? sum(state.list.data.map(({ bytes }) => bytes)) : null,
  );
  const known = [models, runs, evaluations, adapters].every((bytes) => bytes !== null);
  const all = sum([models ?? 0, runs ?? 0, evaluations ?? 0, adapters ?? 0]);
  const rest = known && room?.used != null ? Math.max(0, room.used - all) : null;
  const lines: readonly (readonly [name: string, bytes: number | null])[] = [
    ['Models', models],
    ['Runs without checkpoints', runs === null || checkpoints === null ? null : runs - checkpoints],
    ['Checkpoints', checkpoints],
    ['Evaluations', evaluations],
    ['Imported adapters', adapters],
    ['Data sets, sandbox and the browser’s own', rest],
  ];
  return (
    <Facts className={styles.kinds}>
      {lines.map(([name, bytes]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{bytes === null ? '–' : formatBytes(bytes)}</dd>
        </div>
      ))}
    </Facts>
  );
}
