import { useState } from 'react';
import { formatCount } from '../../lib/format.ts';
import { methodOf, type RunConfig } from '../../schema/config.ts';
import type { SessionStatus } from '../../schema/protocol.ts';
import { ALL_PROBLEMS } from '../../state/evaluation.ts';
import { canPlan, type ModelPlace } from '../../state/model-places.ts';
import { formatRoute, NO_FILTER, type Route } from '../../state/route.ts';
import { isBusy } from '../../state/run-state.ts';
import { go, useLab, useLabState, useModelPlace, usePreset } from '../hooks.ts';
import { METHODS } from '../../settings/methods.ts';
import { ChoiceField, SettingField } from '../parts/setting-field.tsx';
import { PlanCard } from './plan-card.tsx';
import {
  draftOf,
  standardOf,
  startingAt,
  type Draft,
  type Edits,
  type RunSetting,
  type SettingKey,
} from './settings.ts';
import {
  PanelText,
  LaunchBar,
  LaunchState,
  LaunchSum,
  SettingsGrid,
  Strip,
} from '../parts/rack.tsx';
import { Label, Muted, Sentence } from '../parts/text.tsx';
import { Button } from '../parts/button.tsx';
import styles from './launch.module.css';

/** The budget, the method's switches, and the one button. */
export function Launch({ route }: { readonly route: Extract<Route, { screen: 'start' }> }) {
  const lab = useLab();
  const { method, model, data } = route;
  const preset = usePreset(method, model);
  const place = useModelPlace(model);
  const device = useLabState((state) => state.device);
  const status = useLabState((state) => state.status);
  const starting = useLabState((state) => state.starting);
  const [edits, setEdits] = useState<Edits>({});
  if (preset.state === 'loading')
    return (
      <Strip padded>
        <PanelText as="span">Reading the preset…</PanelText>
      </Strip>
    );
  if (preset.state === 'error') {
    return (
      <Strip padded>
        <Sentence error>{preset.message}</Sentence>
        <Button type="button" onClick={() => lab.openPreset(method, model)}>
          Try again
        </Button>
      </Strip>
    );
  }
  const standard = { ...preset.data, dataset: data };
  const draft = draftOf(standard, edits);
  const missing = absence(place);
  const noGpu = device.state === 'ready' && !device.data.available;
  const busy = starting || isBusy(status);
  const edit = (key: SettingKey, text: string | null) =>
    setEdits((held) => edited(held, key, text));

  async function start(config: RunConfig) {
    const runId = await lab.start(config);
    if (runId !== null) go({ screen: 'run', runId, filter: NO_FILTER });
  }

  return (
    <Strip
      as="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (draft.config && missing === null && !noGpu && !busy) void start(draft.config);
      }}
    >
      <Fields preset={standard} draft={draft} edits={edits} section="run" onEdit={edit} />
      {draft.settings.some(({ section }) => section === 'method') && (
        <section aria-labelledby="own-title">
          <Label as="h3" className={styles.title} id="own-title">
            {METHODS[method].title}
          </Label>
          <Fields preset={standard} draft={draft} edits={edits} section="method" onEdit={edit} />
        </section>
      )}
      <details className={styles.more}>
        <summary>
          <Label>Loss, prompts and optimiser</Label>{' '}
          <Muted>{inShort(draft.config ?? standard)}</Muted>
        </summary>
        <Fields preset={standard} draft={draft} edits={edits} section="loss" onEdit={edit} />
        <Fields preset={standard} draft={draft} edits={edits} section="more" onEdit={edit} />
      </details>
      {draft.config && place && canPlan(place) && !noGpu && (
        <PlanCard config={draft.config} here={missing === null} />
      )}
      <LaunchBar>
        <LaunchSum aria-live="polite">
          {missing ??
            (draft.config ? (
              <Plan config={draft.config} />
            ) : (
              'One setting above needs another value.'
            ))}
        </LaunchSum>
        <Busy status={status} starting={starting} noGpu={noGpu} />
        <Button
          type="submit"
          primary
          large
          disabled={!draft.config || missing !== null || noGpu || busy}
        >
          {starting || status.state === 'loading' ? 'Starting…' : 'Start training'}
        </Button>
      </LaunchBar>
    </Strip>
  );
}

/** Why a run cannot start from this model yet: one sentence. */
function absence(place: ModelPlace | null): string | null {
  if (place === null) return 'Choose a model first.';
  if (place.state === 'embedded' || place.state === 'here') return null;
  return place.state === 'coming'
    ? `${place.title} is on its way; training starts from it when it is here.`
    : `${place.title} is not here yet; download it above first.`;
}

function edited(held: Edits, key: SettingKey, text: string | null): Edits {
  const { [key]: _, ...rest } = held;
  return text === null ? rest : { ...rest, [key]: text };
}

interface FieldsProps {
  readonly preset: RunConfig;
  readonly draft: Draft;
  readonly edits: Edits;
  readonly section: RunSetting['section'];
  readonly onEdit: (key: SettingKey, text: string | null) => void;
}

function Fields({ preset, draft, edits, section, onEdit }: FieldsProps) {
  const start = startingAt(preset, edits);
  return (
    <SettingsGrid>
      {draft.settings
        .filter((setting) => setting.section === section)
        .map((setting) => {
          const { key } = setting;
          const shared = {
            standard: standardOf(key === 'objective' ? preset : start, setting),
            text: edits[key],
            onChange: (text: string | null) => onEdit(key, text),
          };
          return 'options' in setting ? (
            <ChoiceField key={key} setting={setting} {...shared} />
          ) : (
            <SettingField key={key} setting={setting} error={draft.errors[key]} {...shared} />
          );
        })}
    </SettingsGrid>
  );
}

/** What is behind the fold, in a line. */
function inShort({ method, loss, asserts, maxTokens }: RunConfig): string {
  const { shared } = METHODS[method];
  const listens = (path: string) => shared.includes(path);
  const parts = [
    listens('loss.aggregation') ? `${loss.aggregation}, clip ${loss.epsLow} / ${loss.epsHigh}` : '',
    listens('loss.updates') ? `β ${loss.beta}, μ ${loss.updates}` : '',
    asserts === 'all' ? 'every shown assert in the prompt' : 'one shown assert held back',
    `max ${maxTokens} new tokens`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function Plan({ config }: { readonly config: RunConfig }) {
  const [least, most] = methodOf(config)
    .programs()
    .map((a) => a * config.problemsPerStep);
  const span = (times: number) =>
    [...new Set([least, most])].map((n) => formatCount((n ?? 0) * times)).join(' to ');
  return (
    <>
      <b>{span(1)}</b> programs a step
      {config.steps !== null && (
        <>
          , <b>{span(config.steps)}</b> in all
        </>
      )}
      {config.budgetTokens !== null && (
        <>
          , until <b>{formatCount(config.budgetTokens)}</b> tokens are computed
        </>
      )}
      . A checkpoint after every{' '}
      {config.checkpointEvery === 1 ? 'step' : `${config.checkpointEvery} steps`}, rarer where that
      would take over a twentieth of the time: close the tab when you like.
    </>
  );
}

function Busy({
  status,
  starting,
  noGpu,
}: {
  readonly status: SessionStatus;
  readonly starting: boolean;
  readonly noGpu: boolean;
}) {
  if (noGpu)
    return <LaunchState>Training needs WebGPU; stored runs below can still be read.</LaunchState>;
  if (status.state === 'loading') {
    return (
      <LaunchState role="status">
        {status.what}
        {status.fraction !== null && <progress value={status.fraction} aria-label={status.what} />}
      </LaunchState>
    );
  }
  if (status.state === 'running') {
    return (
      <LaunchState>
        A run is running.{' '}
        <a href={formatRoute({ screen: 'run', runId: status.runId, filter: NO_FILTER })}>
          Watch it
        </a>
      </LaunchState>
    );
  }
  if (status.state === 'evaluating') {
    return (
      <LaunchState>
        An evaluation is running.{' '}
        <a
          href={formatRoute({ screen: 'evaluation', id: status.evaluation, filter: ALL_PROBLEMS })}
        >
          Watch it
        </a>
      </LaunchState>
    );
  }
  return starting ? <LaunchState role="status">Waking the worker…</LaunchState> : null;
}
