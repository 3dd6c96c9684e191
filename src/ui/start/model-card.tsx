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
import { TransferView } from '../models/transfer-view.tsx';
import { Fact, Facts, Panel, PanelName, PanelText } from '../parts/rack.tsx';
import { Label, Sentence } from '../parts/text.tsx';
import { Lamp } from '../parts/lamp.tsx';
import { Button } from '../parts/button.tsx';
import { Segments } from '../parts/segments.tsx';
import styles from './model-card.module.css';

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
    <Panel aria-labelledby="model-title" data-testid="model">
      <Label as="h2" id="model-title">
        Model
      </Label>
      <PanelName>{place?.title ?? route.model}</PanelName>
      {place === null && (
        <PanelText warn>
          The address names no model of this form: <code>owner/name:precision</code>, such as{' '}
          <code>Qwen/Qwen3-0.6B:q4</code>.
        </PanelText>
      )}
      {place?.state === 'embedded' && (
        <PanelText>
          Embedded: about a million parameters in the Qwen2 architecture, with its own tokenizer.
          Nothing to download.
        </PanelText>
      )}
      {place?.offer && <PanelText>{place.offer.note}</PanelText>}
      {shelf.state === 'error' && place?.state !== 'embedded' && (
        <Sentence error>{shelf.message}</Sentence>
      )}
      {place && place.state !== 'embedded' && (
        <Arrival key={place.id} route={route} place={place} />
      )}
      <Facts>
        {place?.offer && <Fact name="Parameters">{formatParameters(place.offer.parameters)}</Fact>}
        <Fact name="Adapter">
          {config ? `LoRA, rank ${config.lora.rank}, α ${config.lora.alpha}` : '–'}
        </Fact>
        <Fact name="Answer">{config ? `up to ${config.maxTokens} tokens` : '–'}</Fact>
        <Fact name="GPU memory">
          {memory ? (
            <>
              <Lamp tone={memory.fits ? 'good' : 'bad'} /> {formatBytes(memory.device)} of{' '}
              {formatBytes(memory.budget.bytes)}
              {!memory.fits && ', too little'}
            </>
          ) : (
            '–'
          )}
        </Fact>
      </Facts>
      <Button
        type="button"
        className={styles.change}
        aria-expanded={open}
        aria-controls="model-shelf"
        onClick={onToggle}
      >
        {open ? 'Close the list' : 'Choose another model'}
      </Button>
    </Panel>
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
    <div className={styles.arrival}>
      {!local && <PrecisionChoice route={route} place={place} />}
      {unknown && lookUp?.state === 'loading' && <PanelText>Asking the hub about it…</PanelText>}
      {refused && (
        <>
          <Sentence error role="alert">
            {lookUp.message}
          </Sentence>
          <Button type="button" onClick={() => lab.models.lookUp(place.repo)}>
            Ask again
          </Button>
        </>
      )}
      {place.state === 'here' && (
        <PanelText>
          <Lamp tone="good" /> Here, {formatBytes(place.stored?.bytes ?? 0)} on this machine.
        </PanelText>
      )}
      {place.state === 'coming' && place.transfer && <TransferView transfer={place.transfer} />}
      {(place.state === 'absent' || place.state === 'begun') &&
        shelf.state === 'ready' &&
        !refused && (
          <>
            {place.transfer && !isLive(place.transfer) && place.transfer.note !== null && (
              <Said failed={place.transfer.state === 'failed'}>{place.transfer.note}</Said>
            )}
            <PanelText>{offerSentence(place, room?.free ?? null)}</PanelText>
            {tight !== null && <PanelText warn>{tight}</PanelText>}
            {local ? (
              <PanelText>
                Choose its folder again below: a page cannot go back to one by itself.
              </PanelText>
            ) : (
              <Button type="button" primary disabled={asked} onClick={() => void download()}>
                {place.state === 'begun' ? 'Go on with the download' : 'Download'}
                {place.state === 'absent' &&
                  place.download !== null &&
                  ` ${formatBytes(place.download)}`}
              </Button>
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
    <Segments
      label="Precision of the weights"
      name="precision"
      options={offered}
      nameOf={(precision) => PRECISION_NAMES[precision]}
      value={place.precision}
      onChange={(precision) => go({ ...route, model: `${place.repo}:${precision}` }, 'replace')}
    />
  );
}

/** How a transfer ended. */
function Said({ failed, children }: { readonly failed: boolean; readonly children: string }) {
  return failed ? (
    <Sentence error role="alert">
      {children}
    </Sentence>
  ) : (
    <PanelText role="alert">{children}</PanelText>
  );
}
