import { useState } from 'react';
import type { DatasetOffer } from '../../schema/protocol.ts';
import { ALL_PROBLEMS } from '../../state/evaluation.ts';
import { formatRoute } from '../../state/route.ts';
import { isBusy } from '../../state/run-state.ts';
import { formatDate } from '../format.ts';
import {
  go,
  useAdaptersState,
  useEvaluationsState,
  useLab,
  useLabState,
  useModelsState,
} from '../hooks.ts';
import { METHODS } from '../../settings/methods.ts';
import { FileField } from '../parts/file-field.tsx';
import { SettingField } from '../parts/setting-field.tsx';
import { configOf, EMPTY_DRAFT, NUMBERS, type Draft } from './draft.ts';
import {
  LaunchBar,
  LaunchState,
  LaunchSum,
  Panel,
  PanelText,
  Rack,
  SettingsGrid,
  Strip,
} from '../parts/rack.tsx';
import { Label, Sentence } from '../parts/text.tsx';
import { Button } from '../parts/button.tsx';
import { Segments } from '../parts/segments.tsx';
import styles from './evaluate-form.module.css';

const KIND_NAMES: Readonly<Record<Draft['kind'], string>> = {
  samples: 'A samples file',
  model: 'A model',
};
const KINDS = Object.keys(KIND_NAMES) as readonly Draft['kind'][];

const SPLITS = ['test', 'validation', 'train', 'all'] as const;
const FROM_FILE = ':file';
/** Until the worker has told what there is. */
const NO_OFFERS: readonly DatasetOffer[] = [
  { name: 'starter', problems: null, trains: true, needs: null, given: false },
];

/** What is judged, by what, how; and the one button. */
export function EvaluateForm() {
  const lab = useLab();
  const datasets = useEvaluationsState((state) => state.datasets);
  const refusal = useEvaluationsState((state) => state.refusal);
  const starting = useEvaluationsState((state) => state.starting);
  const status = useLabState((state) => state.status);
  const noGpu = useLabState(
    (state) => state.device.state === 'ready' && !state.device.data.available,
  );
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const offers = datasets.state === 'ready' ? datasets.data : NO_OFFERS;
  const { config, errors, missing } = configOf(draft, offers);
  const change = (part: Partial<Draft>) => setDraft((held) => ({ ...held, ...part }));
  const isModel = draft.kind === 'model';
  const blocked = starting || isBusy(status) || (isModel && noGpu);

  async function start() {
    if (!config || blocked) return;
    const id = await lab.evaluations.start(config, {
      dataset: draft.dataset === null ? draft.datasetFile : null,
      samples: isModel ? null : draft.samplesFile,
    });
    if (id !== null) go({ screen: 'evaluation', id, filter: ALL_PROBLEMS });
  }

  return (
    <Rack
      as="form"
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <Panel aria-labelledby="judged-title">
        <Label as="h2" id="judged-title">
          What is judged
        </Label>
        <Segments
          label="What is judged"
          name="kind"
          options={KINDS}
          nameOf={(kind) => KIND_NAMES[kind]}
          value={draft.kind}
          onChange={(kind) => change({ kind })}
          narrow
          className={styles.choice}
        />
        {isModel ? (
          <ModelChoice draft={draft} onChange={change} />
        ) : (
          <>
            <FileField
              label="Samples"
              hint="EvalPlus’ samples.jsonl"
              accept=".jsonl,.json,.txt"
              file={draft.samplesFile}
              onFile={(samplesFile) => change({ samplesFile })}
            />
            <PanelText>
              Lines {'{"task_id", "solution"}'}, several a problem allowed. They are graded without
              any model or GPU.
            </PanelText>
          </>
        )}
      </Panel>
      <Panel aria-labelledby="dataset-title">
        <Label as="h2" id="dataset-title">
          By which problems
        </Label>
        {datasets.state === 'error' && <Sentence error>{datasets.message}</Sentence>}
        <label className={styles.field}>
          <Label>Data set</Label>
          <select
            value={draft.dataset ?? FROM_FILE}
            onChange={(event) =>
              change({ dataset: event.target.value === FROM_FILE ? null : event.target.value })
            }
          >
            {offers.map((offer) => (
              <option key={offer.name} value={offer.name}>
                {offer.name}
                {offer.problems !== null && `, ${offer.problems} problems`}
                {offer.needs !== null && ' (from its file)'}
              </option>
            ))}
            <option value={FROM_FILE}>from a file…</option>
          </select>
        </label>
        {draft.dataset === null && (
          <FileField
            label="Data set’s file"
            hint="jsonl, json, jsonl.gz or parquet"
            accept=".jsonl,.json,.gz,.parquet"
            file={draft.datasetFile}
            onFile={(datasetFile) => change({ datasetFile })}
          />
        )}
        {isModel && (
          <Segments
            label="Split"
            name="split"
            options={SPLITS}
            nameOf={(split) => split}
            value={draft.split}
            onChange={(split) => change({ split })}
            narrow
            className={styles.choice}
          />
        )}
        <PanelText>
          {draft.dataset === 'starter'
            ? 'The project’s own problems, with hidden asserts.'
            : draft.dataset === null
              ? 'MBPP’s, HumanEval’s or EvalPlus’ form, told by its fields.'
              : offers.find(({ name }) => name === draft.dataset)?.given
                ? 'A file that was given, kept in this browser.'
                : 'Fetched from the hub once and kept in this browser.'}
        </PanelText>
      </Panel>
      <Strip>
        <SettingsGrid className={styles.settings}>
          {NUMBERS.filter(({ key }) => isModel || key === 'timeoutSeconds').map((setting) => (
            <SettingField
              key={setting.key}
              setting={setting}
              standard={setting.standard}
              text={draft.numbers[setting.key]}
              error={errors[setting.key]}
              onChange={(text) =>
                setDraft((held) => ({ ...held, numbers: typed(held.numbers, setting.key, text) }))
              }
            />
          ))}
        </SettingsGrid>
        <LaunchBar>
          <LaunchSum aria-live="polite">
            {missing ??
              (isModel
                ? 'The model answers, the sandbox judges.'
                : 'The sandbox judges every sample of the file.')}
          </LaunchSum>
          <LaunchState role="status">
            {isModel && noGpu
              ? 'A model needs WebGPU; a samples file does not.'
              : starting && status.state === 'evaluating'
                ? `${status.what}…`
                : isBusy(status) && 'A run or an evaluation is running; wait until it ends.'}
          </LaunchState>
          <Button type="submit" primary large disabled={!config || blocked}>
            {starting ? 'Starting…' : 'Evaluate'}
          </Button>
        </LaunchBar>
        {refusal !== null && (
          <Sentence error className={styles.refusal} role="alert">
            {refusal}
          </Sentence>
        )}
      </Strip>
    </Rack>
  );
}

function typed(
  numbers: Draft['numbers'],
  key: keyof Draft['numbers'],
  text: string | null,
): Draft['numbers'] {
  const { [key]: _, ...rest } = numbers;
  return text === null ? rest : { ...rest, [key]: text };
}

function ModelChoice({
  draft,
  onChange,
}: {
  readonly draft: Draft;
  readonly onChange: (part: Partial<Draft>) => void;
}) {
  const runs = useLabState((state) => state.runs);
  const shelf = useModelsState((state) => state.shelf);
  const imported = useAdaptersState((state) => state.list);
  const here = shelf.state === 'ready' ? shelf.data.stored.filter(({ complete }) => complete) : [];
  const finished =
    runs.state === 'ready'
      ? runs.data.filter((run) => run.state === 'finished' && run.config.model === draft.model)
      : [];
  return (
    <>
      <label className={styles.field}>
        <Label>Model</Label>
        <select
          aria-label="Model"
          value={draft.model}
          onChange={(event) => onChange({ model: event.target.value, adapterOf: null })}
        >
          <option value="nano">nano, embedded</option>
          {here.map(({ id, repo, precision }) => (
            <option key={id} value={id}>
              {repo}, {precision}
            </option>
          ))}
        </select>
      </label>
      <label className={styles.field}>
        <Label>Adapter</Label>
        <select
          value={draft.adapterOf ?? ''}
          onChange={(event) =>
            onChange({ adapterOf: event.target.value === '' ? null : event.target.value })
          }
        >
          <option value="">none: the model as it is</option>
          {finished.map((run) => (
            <option key={run.runId} value={run.runId}>
              {formatDate(run.startedAt)}, {METHODS[run.config.method].title}, step {run.step}, seed{' '}
              {run.config.seed}
            </option>
          ))}
          {imported.state === 'ready' &&
            imported.data.map(({ id, label, rank }) => (
              <option key={id} value={id}>
                imported: {label}, rank {rank}
              </option>
            ))}
        </select>
      </label>
      <PanelText>
        {finished.length === 0 && 'Finished runs of a model offer their adapters here. '}
        <a href={formatRoute({ screen: 'models' })}>Models and adapters on this machine</a>
      </PanelText>
    </>
  );
}
