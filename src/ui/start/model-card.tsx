import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { formatBytes } from '../../lib/format.ts';
import type { ModelPrecision } from '../../schema/models.ts';
import {
  canPlan,
  isLive,
  OFFERED_PRECISIONS,
  roomSentence,
  type ModelPlace,
} from '../../state/model-places.ts';
import type { Route } from '../../state/route.ts';
import { formatParameters } from '../format.ts';
import { go, useLab, useModelPlace, useModelsState, usePreset } from '../hooks.ts';
import { Fact } from '../parts/fact.tsx';
import { TransferView } from '../models/transfer-view.tsx';

type StartRoute = Extract<Route, { screen: 'start' }>;

interface Props {
  readonly route: StartRoute;
  /** The list of models is drawn below. */
  readonly open: boolean;
  readonly onToggle: () => void;
}

/** The model that is chosen: what it is, where it is, and what brings it here. */
export function ModelCard({ route, open, onToggle }: Props) {
  const lab = useLab();
  const place = useModelPlace(route.model);
  const shelf = useModelsState((state) => state.shelf);
  const preset = usePreset(route.method, route.model);
  useEffect(() => lab.models.refresh(), [lab]);
  const config = preset.state === 'ready' ? preset.data : null;
  const plan = useStore(lab.plans.store, (state) => state.plan);
  const memory = place && canPlan(place) && plan.state === 'ready' ? plan.data.memory : null;
  return (
    <section className="module" aria-labelledby="model-title" data-testid="model">
      <h2 className="label" id="model-title">
        Model
      </h2>
      <p className="module-name">{place?.title ?? route.model}</p>
      {place === null && (
        <p className="module-text warn">
          The address names no model of this form: <code>owner/name:precision</code>, such as{' '}
          <code>Qwen/Qwen3-0.6B:q4</code>.
        </p>
      )}
      {place?.state === 'embedded' && (
        <p className="module-text">
          Embedded: about a million parameters in the Qwen2 architecture, with its own tokenizer.
          Nothing to download.
        </p>
      )}
      {place?.offer && <p className="module-text">{place.offer.note}</p>}
      {shelf.state === 'error' && place?.state !== 'embedded' && (
        <p className="sentence error">{shelf.message}</p>
      )}
      {place && place.state !== 'embedded' && (
        <Arrival key={place.id} route={route} place={place} />
      )}
      <dl className="facts">
        {place?.offer && <Fact name="Parameters">{formatParameters(place.offer.parameters)}</Fact>}
        <Fact name="Adapter">
          {config ? `LoRA, rank ${config.lora.rank}, α ${config.lora.alpha}` : '–'}
        </Fact>
        <Fact name="Answer">{config ? `up to ${config.maxTokens} tokens` : '–'}</Fact>
        <Fact name="GPU memory">
          {memory ? (
            <>
              <span className="lamp" data-tone={memory.fits ? 'good' : 'bad'} />{' '}
              {formatBytes(memory.device)} of {formatBytes(memory.budget.bytes)}
              {!memory.fits && ', too little'}
            </>
          ) : (
            '–'
          )}
        </Fact>
      </dl>
      <button
        type="button"
        className="button module-button"
        aria-expanded={open}
        aria-controls="model-shelf"
        onClick={onToggle}
      >
        {open ? 'Close the list' : 'Choose another model'}
      </button>
    </section>
  );
}

/** Precision and download of a model that is not part of the page. */
function Arrival({ route, place }: { readonly route: StartRoute; readonly place: ModelPlace }) {
  const lab = useLab();
  const shelf = useModelsState((state) => state.shelf);
  const lookUp = useModelsState((state) => state.lookUps[place.repo]);
  const [asked, setAsked] = useState(false);
  const local = place.repo.startsWith('local/');
  const unknown =
    shelf.state === 'ready' && place.offer === null && !local && place.state === 'absent';
  useEffect(() => {
    if (unknown) lab.models.lookUp(place.repo);
  }, [lab, unknown, place.repo]);
  const refused = unknown && lookUp?.state === 'error';
  const room = shelf.state === 'ready' ? shelf.data.room : null;
  const tight =
    place.state === 'here' ? null : roomSentence(place, room?.free ?? null, formatBytes);

  async function download() {
    if (place.precision === null) return;
    setAsked(true);
    await lab.models.download(place.repo, place.precision);
    setAsked(false);
  }

  return (
    <div className="arrival">
      {!local && <PrecisionChoice route={route} place={place} />}
      {unknown && lookUp?.state === 'loading' && (
        <p className="module-text">Asking the hub about it…</p>
      )}
      {refused && (
        <>
          <p className="sentence error" role="alert">
            {lookUp.message}
          </p>
          <button type="button" className="button" onClick={() => lab.models.lookUp(place.repo)}>
            Ask again
          </button>
        </>
      )}
      {place.state === 'here' && (
        <p className="module-text">
          <span className="lamp" data-tone="good" /> Here, {formatBytes(place.stored?.bytes ?? 0)}{' '}
          on this machine.
        </p>
      )}
      {place.state === 'coming' && place.transfer && <TransferView transfer={place.transfer} />}
      {(place.state === 'absent' || place.state === 'begun') &&
        shelf.state === 'ready' &&
        !refused && (
          <>
            {place.transfer && !isLive(place.transfer) && place.transfer.note !== null && (
              <p
                className={place.transfer.state === 'failed' ? 'sentence error' : 'module-text'}
                role="alert"
              >
                {place.transfer.note}
              </p>
            )}
            <p className="module-text">{offerSentence(place, room?.free ?? null)}</p>
            {tight !== null && <p className="module-text warn">{tight}</p>}
            {local ? (
              <p className="module-text">
                Choose its folder again below: a page cannot go back to one by itself.
              </p>
            ) : (
              <button
                type="button"
                className="button primary"
                disabled={asked}
                onClick={() => void download()}
              >
                {place.state === 'begun' ? 'Go on with the download' : 'Download'}
                {place.state === 'absent' &&
                  place.download !== null &&
                  ` ${formatBytes(place.download)}`}
              </button>
            )}
          </>
        )}
    </div>
  );
}

/** What it costs to have it here. */
function offerSentence({ state, stored, download, kept }: ModelPlace, free: number | null): string {
  const left = free === null ? '' : `; ${formatBytes(free)} left here`;
  if (state === 'begun' && stored) {
    return (
      `${stored.problem ?? 'It is not whole.'} ${formatBytes(stored.done)} of ` +
      `${formatBytes(stored.total)} have come${left}.`
    );
  }
  if (download === null) return `Not here yet${left}.`;
  return (
    `Not here yet: ${formatBytes(download)} to fetch once, of which ` +
    `${kept === null ? 'the converted weights' : formatBytes(kept)} stay${left}.`
  );
}

const PRECISION_NAMES: Record<ModelPrecision, string> = {
  stored: 'as stored',
  f32: 'f32',
  f16: 'f16',
  q8: 'q8',
  q4: 'q4',
};

function PrecisionChoice({
  route,
  place,
}: {
  readonly route: StartRoute;
  readonly place: ModelPlace;
}) {
  const offered = OFFERED_PRECISIONS.find((known) => known === place.precision)
    ? OFFERED_PRECISIONS
    : ([...OFFERED_PRECISIONS, place.precision ?? 'stored'] as const);
  return (
    <fieldset className="segments" aria-label="Precision of the weights">
      {offered.map((precision) => (
        <label key={precision}>
          <input
            type="radio"
            name="precision"
            value={precision}
            checked={precision === place.precision}
            onChange={() => go({ ...route, model: `${place.repo}:${precision}` }, 'replace')}
          />
          <span>{PRECISION_NAMES[precision]}</span>
        </label>
      ))}
    </fieldset>
  );
}
