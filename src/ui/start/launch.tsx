import { useState } from 'react';
import { formatCount } from '../../lib/format.ts';
import type { RunConfig } from '../../schema/config.ts';
import type { SessionStatus } from '../../schema/protocol.ts';
import { formatRoute, NO_FILTER } from '../../state/route.ts';
import { go, useLab, useLabState } from '../hooks.ts';
import { draftOf, SETTINGS, type Edits, type Setting } from './settings.ts';

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
  const busy = starting || status.state === 'loading' || status.state === 'running';

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
          <Field
            key={setting.key}
            setting={setting}
            preset={preset.data[setting.key]}
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

function edited(held: Edits, setting: Setting, text: string | null): Edits {
  const { [setting.key]: _, ...rest } = held;
  return text === null ? rest : { ...rest, [setting.key]: text };
}

interface FieldProps {
  readonly setting: Setting;
  readonly preset: number | null;
  readonly text: string | undefined;
  readonly error: string | undefined;
  readonly onChange: (text: string | null) => void;
}

function Field({ setting, preset, text, error, onChange }: FieldProps) {
  const id = `setting-${setting.key}`;
  const standard = String(preset ?? '');
  const changed = text !== undefined && text !== standard;
  return (
    <div className="setting" data-changed={changed} data-wrong={error !== undefined}>
      <label className="label" htmlFor={id}>
        {setting.label}
      </label>
      <input
        id={id}
        inputMode={setting.integer ? 'numeric' : 'decimal'}
        autoComplete="off"
        spellCheck={false}
        value={text ?? standard}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-note`}
        onChange={(event) => onChange(event.target.value)}
      />
      <p className="setting-note" id={`${id}-note`}>
        {error ?? (changed ? `default ${standard}, ${setting.source}` : setting.source)}
        {changed && (
          <button type="button" className="reset" onClick={() => onChange(null)}>
            reset
          </button>
        )}
      </p>
    </div>
  );
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
  return starting ? (
    <p className="launch-state" role="status">
      Waking the worker…
    </p>
  ) : null;
}
