import { useMemo } from 'react';
import { zip } from '../../lib/zip.ts';
import { formatBytes } from '../../lib/format.ts';
import { messageOf } from '../../lib/errors.ts';
import { methodOf } from '../../schema/config.ts';
import type { ImportedAdapter, RunSummary } from '../../schema/protocol.ts';
import { formatDate } from '../format.ts';
import { useAdaptersState, useLab, useLabState } from '../hooks.ts';
import { METHODS } from '../../settings/methods.ts';
import { ArchiveInput } from '../parts/archive-input.tsx';
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
import { Button } from '../parts/button.tsx';

type Item =
  | { readonly kind: 'run'; readonly run: RunSummary }
  | { readonly kind: 'imported'; readonly adapter: ImportedAdapter };

/** Adapters that finished runs have left, and imported ones: in and out in PEFT's two files. */
export function AdapterList() {
  const lab = useLab();
  const runs = useLabState((state) => state.runs);
  const imported = useAdaptersState((state) => state.list);
  const list = useMemo(() => {
    if (runs.state !== 'ready') return runs;
    if (imported.state !== 'ready') return imported;
    const data: Item[] = [
      ...imported.data.map((adapter) => ({ kind: 'imported' as const, adapter })),
      ...runs.data
        .filter(({ state }) => state === 'finished')
        .map((run) => ({ kind: 'run' as const, run })),
    ];
    return { state: 'ready' as const, data };
  }, [runs, imported]);
  return (
    <StoredList
      title="Adapters"
      list={list}
      none={
        'None yet. A finished run leaves one; those of PEFT can be imported: plain LoRA on ' +
        'q, k, v, o, gate, up and down.'
      }
      row={(item, onDelete) =>
        item.kind === 'run' ? (
          <RunAdapter key={item.run.runId} run={item.run} />
        ) : (
          <Imported key={item.adapter.id} adapter={item.adapter} onDelete={onDelete} />
        )
      }
      deletion={(item) => {
        const label = item.kind === 'imported' ? item.adapter.label : item.run.runId;
        return {
          title: `Delete the adapter ${label}?`,
          loss: 'The copy in this browser goes; the files that it was imported from stay as they are.',
        };
      }}
      onDelete={(item) => void (item.kind === 'imported' && lab.adapters.remove(item.adapter.id))}
      tools={
        <ArchiveInput
          label="Import an adapter"
          onFiles={({ label, files }) =>
            void lab.adapters.add(label.startsWith('adapter_') ? 'adapter' : label, files)
          }
          onError={(message) => lab.notify(message)}
        />
      }
    />
  );
}

function Imported({
  adapter,
  onDelete,
}: {
  readonly adapter: ImportedAdapter;
  readonly onDelete: () => void;
}) {
  return (
    <li data-adapter={adapter.id}>
      <StoredName>
        <b>{adapter.label}</b>
        <Muted>
          {adapter.base === null ? 'of a model that it does not name' : `of ${adapter.base}`}
        </Muted>
      </StoredName>
      <StoredState>imported</StoredState>
      <StoredProgress>LoRA, rank {adapter.rank}</StoredProgress>
      <StoredSize>{formatBytes(adapter.bytes)}</StoredSize>
      <StoredActions>
        <Button type="button" quiet danger onClick={onDelete}>
          Delete
        </Button>
      </StoredActions>
    </li>
  );
}

function RunAdapter({ run }: { readonly run: RunSummary }) {
  const lab = useLab();
  const { config } = run;

  async function exportIt() {
    const files = await lab.runFiles(run.runId);
    const folders = [
      'adapter',
      ...(methodOf(config).adapters().includes('reflector') ? ['reflector'] : []),
    ];
    for (const folder of files ? folders : []) {
      const entries = files!
        .filter(({ path }) => path.startsWith(`${folder}/`))
        .map(({ path, file }) => ({ path: path.slice(folder.length + 1), file }));
      if (entries.length > 0)
        await zip(entries).then(
          (archive) => save(`${run.runId}-${folder}.zip`, archive),
          (error: unknown) => lab.notify(messageOf(error)),
        );
      else if (folder === 'adapter') lab.notify(`Run ${run.runId} has left no adapter.`);
    }
  }

  return (
    <li data-adapter={run.runId}>
      <StoredName>
        <b>
          {METHODS[config.method].title} of {formatDate(run.startedAt)}
        </b>
        <Muted>of {config.model}</Muted>
      </StoredName>
      <StoredState>trained here</StoredState>
      <StoredProgress>
        LoRA, rank {config.lora.rank}, step {run.step}
      </StoredProgress>
      <StoredSize>with its run</StoredSize>
      <StoredActions>
        <Button type="button" quiet onClick={() => void exportIt()}>
          Export
        </Button>
      </StoredActions>
    </li>
  );
}
