import { formatBytes } from '../../lib/format.ts';
import { messageOf } from '../../lib/errors.ts';
import { zip } from '../../lib/zip.ts';
import type { DamagedItem } from '../../schema/protocol.ts';
import { useLab, useLabState } from '../hooks.ts';
import { save } from '../parts/download.ts';
import { StoredList } from '../parts/stored.tsx';

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
      <div className="run-name">
        <span>{item.id}</span>
        <span className="muted">{item.kind}</span>
      </div>
      <p className="run-state">
        <span className="lamp" data-tone="bad" /> damaged
      </p>
      <div className="run-progress">{item.reason}</div>
      <span className="run-size muted">{formatBytes(item.bytes)}</span>
      <div className="run-actions">
        {item.kind === 'run' && <ExportButton runId={item.id} />}
        <button type="button" className="button quiet danger" onClick={onDelete}>
          Delete
        </button>
      </div>
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
    <button type="button" className="button quiet" onClick={() => void exportIt()}>
      Export
    </button>
  );
}
