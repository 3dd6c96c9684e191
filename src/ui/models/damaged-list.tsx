import { formatBytes } from '../../lib/format.ts';
import { messageOf } from '../../lib/errors.ts';
import { zip } from '../../lib/zip.ts';
import type { DamagedItem } from '../../schema/protocol.ts';
import { useLab, useLabState } from '../hooks.ts';
import { save } from '../parts/download.ts';
import { StoredList } from '../parts/stored.tsx';
import {
  StoredActions,
  StoredName,
  StoredProgress,
  StoredSize,
  StoredState,
} from '../parts/stored.tsx';
import { Muted } from '../parts/text.tsx';
import { Lamp } from '../parts/lamp.tsx';
import { Button } from '../parts/button.tsx';

/** Runs and evaluations that cannot be read, with the reason; nothing where there are none. */
export function DamagedList() {
  const lab = useLab();
  const damaged = useLabState((state) => state.damaged);
  if (damaged.state !== 'ready' || damaged.data.length === 0) return null;
  return (
    <StoredList
      title="Damaged"
      list={damaged}
      none=""
      row={(item, onDelete) => (
        <DamagedRow key={`${item.kind} ${item.id}`} item={item} onDelete={onDelete} />
      )}
      deletion={({ kind, id, bytes }) => ({
        title: `Delete the ${kind} ${id}?`,
        loss: `${formatBytes(bytes)} go for good, whatever could still be read of them included.`,
      })}
      onDelete={(item) => void lab.deleteDamaged(item)}
    />
  );
}

function DamagedRow({ item, onDelete }: { item: DamagedItem; onDelete: () => void }) {
  return (
    <li data-state="damaged">
      <StoredName>
        <span>{item.id}</span>
        <Muted>{item.kind}</Muted>
      </StoredName>
      <StoredState>
        <Lamp tone="bad" /> damaged
      </StoredState>
      <StoredProgress>{item.reason}</StoredProgress>
      <StoredSize>{formatBytes(item.bytes)}</StoredSize>
      <StoredActions>
        {item.kind === 'run' && <ExportButton runId={item.id} />}
        <Button type="button" quiet danger onClick={onDelete}>
          Delete
        </Button>
      </StoredActions>
    </li>
  );
}

/** All files of the damaged run as an archive, so that a person can mend them elsewhere. */
function ExportButton({ runId }: { readonly runId: string }) {
  const lab = useLab();

  async function exportIt() {
    const files = await lab.runFiles(runId);
    if (files)
      await zip(files).then(
        (archive) => save(`${runId}.zip`, archive),
        (error: unknown) => lab.notify(messageOf(error)),
      );
  }

  return (
    <Button type="button" quiet onClick={() => void exportIt()}>
      Export
    </Button>
  );
}
