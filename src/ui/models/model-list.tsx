import { useMemo } from 'react';
import { formatBytes } from '../../lib/format.ts';
import type { StoredModel } from '../../schema/models.ts';
import { isLive, unstoredTransfers, type ModelPlace } from '../../state/model-places.ts';
import { formatRoute, START } from '../../state/route.ts';
import { useLab, useModelPlace, useModelsState } from '../hooks.ts';
import { StoredList } from '../parts/stored.tsx';
import { TransferView } from './transfer-view.tsx';
import {
  StoredActions,
  StoredName,
  StoredProgress,
  StoredSize,
  StoredState,
} from '../parts/stored.tsx';
import { Lamp } from '../parts/lamp.tsx';
import { Muted, Sentence } from '../parts/text.tsx';
import { Button } from '../parts/button.tsx';

/** Models that are here, whole or begun. */
export function ModelList() {
  const lab = useLab();
  const shelf = useModelsState((state) => state.shelf);
  const list = useMemo(
    () => (shelf.state === 'ready' ? { state: 'ready' as const, data: shelf.data.stored } : shelf),
    [shelf],
  );
  const transfers = useModelsState((state) => state.transfers);
  const coming = shelf.state === 'ready' ? unstoredTransfers(shelf.data, transfers) : [];
  return (
    <StoredList
      title="Models"
      list={list}
      none={
        'None besides nano, which is part of the page. The Start screen offers some and ' +
        'takes any of the hub; a folder can be given below.'
      }
      row={(model, onDelete) => <ModelRow key={model.id} model={model} onDelete={onDelete} />}
      deletion={(model) => ({
        title: `Delete ${model.repo} at ${model.precision}?`,
        loss:
          `Its ${formatBytes(model.bytes)} go. Runs that were trained on it can still be ` +
          'read, but not resumed before it is ' +
          `${model.repo.startsWith('local/') ? 'imported' : 'downloaded'} again.`,
      })}
      onDelete={(model) => void lab.models.remove(model.id)}
      before={coming.map((transfer) => (
        <li key={transfer.id} data-model={transfer.id}>
          <StoredName>
            <a href={formatRoute({ ...START, model: transfer.id })}>{transfer.repo}</a>
          </StoredName>
          <StoredState>
            <Lamp tone={isLive(transfer) ? 'live' : 'bad'} />{' '}
            {isLive(transfer) ? 'coming' : 'failed'}
          </StoredState>
          <StoredProgress>
            {isLive(transfer) ? (
              <TransferView transfer={transfer} />
            ) : (
              <Sentence as="span" error>
                {transfer.note}
              </Sentence>
            )}
          </StoredProgress>
        </li>
      ))}
      tools={
        <Button as="a" href={formatRoute(START)}>
          Choose another on the Start screen
        </Button>
      }
    />
  );
}

function ModelRow({
  model,
  onDelete,
}: {
  readonly model: StoredModel;
  readonly onDelete: () => void;
}) {
  const lab = useLab();
  const place = useModelPlace(model.id);
  const live = isLive(place?.transfer);
  const local = model.repo.startsWith('local/');
  return (
    <li data-model={model.id}>
      <StoredName>
        <a href={formatRoute({ ...START, model: model.id })}>{place?.title ?? model.repo}</a>
        <Muted>
          {model.repo}
          {model.revision !== null && model.revision !== 'main' && `@${model.revision}`}
          {model.licence !== null && `, ${model.licence}`}
        </Muted>
      </StoredName>
      <StoredState>
        <Lamp tone={live ? 'live' : model.complete ? 'good' : 'wait'} />{' '}
        {live ? 'coming' : model.complete ? 'here' : 'begun'}
      </StoredState>
      <StoredProgress>
        {place?.transfer && live ? (
          <TransferView transfer={place.transfer} />
        ) : (
          <span>
            {model.precision}
            {!model.complete &&
              `, ${formatBytes(model.done)} of ${formatBytes(model.total)} fetched`}
          </span>
        )}
        {!live && <Trouble model={model} place={place} />}
      </StoredProgress>
      <StoredSize>{formatBytes(model.bytes)}</StoredSize>
      <StoredActions>
        {!model.complete && !local && (
          <Button
            type="button"
            disabled={live}
            onClick={() => void lab.models.download(place?.repo ?? model.repo, model.precision)}
          >
            Go on
          </Button>
        )}
        {model.complete && (
          <Button as="a" quiet href={formatRoute({ ...START, model: model.id })}>
            Train
          </Button>
        )}
        <Button type="button" quiet danger disabled={live} onClick={onDelete}>
          Delete
        </Button>
      </StoredActions>
    </li>
  );
}

/** What is wrong with it, or how its last download failed. */
function Trouble({
  model,
  place,
}: {
  readonly model: StoredModel;
  readonly place: ModelPlace | null;
}) {
  const failed = place?.transfer?.state === 'failed' ? place.transfer.note : null;
  if (failed !== null)
    return (
      <Sentence as="span" error>
        {failed}
      </Sentence>
    );
  return model.problem === null ? null : <Muted>{model.problem}</Muted>;
}
