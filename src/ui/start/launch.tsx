import { useState } from 'react';
import { formatCount } from '../../lib/format.ts';
import type { RunConfig } from '../../schema/config.ts';
import type { SessionStatus } from '../../schema/protocol.ts';
import { ALL_PROBLEMS } from '../../state/evaluation.ts';
import { formatRoute, NO_FILTER } from '../../state/route.ts';
import { isBusy } from '../../state/run-state.ts';
import { go, useLab, useLabState } from '../hooks.ts';
import { SettingField } from '../parts/setting-field.tsx';
import type { Setting } from '../parts/settings.ts';
import { draftOf, SETTINGS, type Edits, type SettingKey } from './settings.ts';

/** The budget, a few settings, and the one button. */
export function Launch() {
  const lab = useLab();
  const preset = useLabState((state) => state.preset);
  const device = useLabState((state) => state.device);
  const status = useLabState((state) => state.status);
  const starting = useLabState((state) => state.starting);
  const [edits, setEdits] = useState<Edits>({});
  if (preset.state === 'loading') return <div className="launch module-text">Reading the preset…</div>;
  if (preset.state === 'error') {
    return (
      <div className="launch">
        <p className="sentence error">{preset.message}</p>
        <button type="button" className="button" onClick={() => lab.loadPreset()}>
          Try again
        </button>
      </div>
    );
  }
  const draft = draftOf(preset.data, edits);
  const noGpu = device.state === 'ready' && !device.data.available;
  const busy = starting || isBusy(status);

  async function start(config: RunConfig) {
    const runId = await lab.start(config);
    if (runId !== null) go({ screen: 'run', runId, filter: NO_FILTER });
  }

  return (
    <form
      className="launch"
      onSubmit={(event) => {
        event.preventDefault();
        if (draft.config && !noGpu && !busy) void start(draft.config);
      }}
    >
      <div className="settings">
        {SETTINGS.map((setting) => (
          <SettingField
            key={setting.key}
            setting={setting}
            standard={String(preset.data[setting.key] ?? '')}
            text={edits[setting.key]}
            error={draft.errors[setting.key]}
            onChange={(text) => setEdits((held) => edited(held, setting, text))}
          />
        ))}
      </div>
      <div className="launch-bar">
        <p className="launch-sum" aria-live="polite">
          {draft.config ? <Plan config={draft.config} /> : 'One setting above needs another value.'}
        </p>
        <Busy status={status} starting={starting} noGpu={noGpu} />
        <button type="submit" className="button primary start-button" disabled={!draft.config || noGpu || busy}>
          {starting || status.state === 'loading' ? 'Starting…' : 'Start training'}
        </button>
      </div>
    </form>
  );
}

function edited(held: Edits, setting: Setting<SettingKey>, text: string | null): Edits {
  const { [setting.key]: _, ...rest } = held;
  return text === null ? rest : { ...rest, [setting.key]: text };
}

function Plan({ config }: { readonly config: RunConfig }) {
  const perStep = config.problemsPerStep * config.group;
  return (
    <>
      <b>{formatCount(perStep)}</b> programs a step{config.steps !== null && <>, <b>{formatCount(perStep * config.steps)}</b> in all</>}. A checkpoint after
      every {config.checkpointEvery === 1 ? 'step' : `${config.checkpointEvery} steps`}: close the tab when you like.
    </>
  );
}

function Busy({ status, starting, noGpu }: { readonly status: SessionStatus; readonly starting: boolean; readonly noGpu: boolean }) {
  if (noGpu) return <p className="launch-state">Training needs WebGPU; stored runs below can still be read.</p>;
  if (status.state === 'loading') {
    return (
      <p className="launch-state" role="status">
        {status.what}
        {status.fraction !== null && <progress value={status.fraction} aria-label={status.what} />}
      </p>
    );
  }
  if (status.state === 'running') {
    return (
      <p className="launch-state">
        A run is going on. <a href={formatRoute({ screen: 'run', runId: status.runId, filter: NO_FILTER })}>Watch it</a>
      </p>
    );
  }
  if (status.state === 'evaluating') {
    return (
      <p className="launch-state">
        An evaluation is going on.{' '}
        <a href={formatRoute({ screen: 'evaluation', id: status.evaluation, filter: ALL_PROBLEMS })}>Watch it</a>
      </p>
    );
  }
  return starting ? (
    <p className="launch-state" role="status">
      Waking the worker…
    </p>
  ) : null;
}
