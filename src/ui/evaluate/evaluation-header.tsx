import { formatCount, formatSeconds } from '../../lib/format.ts';
import type { EvaluationSummary, Rates } from '../../schema/evaluation.ts';
import type { EvaluationFiles, SessionStatus } from '../../schema/protocol.ts';
import { outcomeCounts, secondsToJudge, type EvaluationView } from '../../state/evaluation.ts';
import { formatDate, formatRate } from '../format.ts';
import { useLab, useLabState } from '../hooks.ts';
import { download } from '../parts/download.ts';
import { describe } from './stored-evaluations.tsx';
import {
  ActionRow,
  ConsoleHeader,
  ConsoleHeading,
  ConsoleLine,
  ConsoleSentence,
  ConsoleWhat,
  GaugeBox,
  StateGauge,
} from '../parts/console.tsx';
import { Hidden, Label, Muted } from '../parts/text.tsx';
import { Button } from '../parts/button.tsx';
import styles from './evaluation-header.module.css';

/** What goes on, the rates once they are known, what became of the answers, and the files. */
export function EvaluationHeader({ view }: { readonly view: EvaluationView }) {
  const status = useLabState((state) => state.status);
  const live = status.state === 'evaluating' && status.evaluation === view.id;
  const left = live ? secondsToJudge(view) : null;
  const { pass, fail, timeout, crash, infra } = outcomeCounts(view);
  const summary = view.ended?.summary ?? null;
  return (
    <ConsoleHeader>
      <ConsoleLine>
        <ConsoleHeading>
          <a href="#/evaluate">Evaluations</a>
          <span aria-hidden="true">/</span>
          {view.started ? formatDate(view.started.time) : view.id}
          {view.started && <ConsoleWhat>{describe(view.started.config)}</ConsoleWhat>}
        </ConsoleHeading>
        <Actions view={view} live={live} />
      </ConsoleLine>
      <ConsoleLine gauges className={styles.gauges}>
        <State view={view} status={status} live={live} />
        <GaugeBox data-testid="judged">
          <Label>{left === null ? 'Judged' : `Judged, ${formatSeconds(left)} left`}</Label>
          <span>
            {formatCount(view.judged)} / {formatCount(view.answers)}
            <progress
              value={view.judged}
              max={Math.max(1, view.answers)}
              aria-label="Answers judged"
            />
          </span>
        </GaugeBox>
        <Count label="Pass" value={pass} />
        <Count label="Fail" value={fail} />
        <Count label="Timeout" value={timeout} />
        <Count label="Crash" value={crash} />
        <Count label="Sandbox failed" value={infra} />
      </ConsoleLine>
      {summary && <RateLines summary={summary} available={view.started?.available ?? 0} />}
      {view.ended?.message !== undefined && (
        <ConsoleSentence error>{view.ended.message}</ConsoleSentence>
      )}
      {view.ended?.reason === 'cancelled' && (
        <ConsoleSentence>
          Cancelled: the figures are of the {formatCount(view.judged)} answers judged until then.
        </ConsoleSentence>
      )}
      {!view.ended && !live && (
        <ConsoleSentence>
          This evaluation ended without a word, as when a tab closes. What it had judged is below
          and can be saved; rates are in the saved summary.json.
        </ConsoleSentence>
      )}
    </ConsoleHeader>
  );
}

function State({
  view,
  status,
  live,
}: {
  readonly view: EvaluationView;
  readonly status: SessionStatus;
  readonly live: boolean;
}) {
  const [word, tone] = view.ended
    ? { finished: ['Finished', ''], cancelled: ['Cancelled', 'wait'], failed: ['Failed', 'bad'] }[
        view.ended.reason
      ]
    : live && status.state === 'evaluating'
      ? [status.what, 'live']
      : ['Interrupted', 'bad'];
  return <StateGauge tone={tone} word={word} />;
}

function Count({ label, value }: { readonly label: string; readonly value: number }) {
  return (
    <GaugeBox data-count={label}>
      <Label>{label}</Label>
      <span>{formatCount(value)}</span>
    </GaugeBox>
  );
}

function RateLines({
  summary,
  available,
}: {
  readonly summary: EvaluationSummary;
  readonly available: number;
}) {
  const { base, plus, label } = summary;
  return (
    <div className={styles.rates} data-testid="rates">
      <RateLine name={plus ? 'Base' : 'All tests'} rates={base} available={available} />
      {plus && <RateLine name="Base and plus" rates={plus} available={available} />}
      {label !== undefined && <Muted as="p">This is a {label}.</Muted>}
    </div>
  );
}

function RateLine({
  name,
  rates,
  available,
}: {
  readonly name: string;
  readonly rates: Rates;
  readonly available: number;
}) {
  const several = Object.entries(rates).flatMap(([key, value]) =>
    /^pass@(?!1$)\d+$/.test(key) && typeof value === 'number'
      ? [`${key} ${(100 * value).toFixed(1)} %`]
      : [],
  );
  return (
    <p>
      <b>{name}</b> pass@1 {formatRate(rates['pass@1'], rates.ci95)}
      {several.map((text) => `, ${text}`)}
      <Muted>
        {' '}
        {formatCount(rates.passes)} answers pass, {formatCount(rates.problems)} of the data set’s{' '}
        {formatCount(available)} problems counted
      </Muted>
    </p>
  );
}

const FILES: readonly (keyof EvaluationFiles)[] = [
  'samples.jsonl',
  'results.jsonl',
  'summary.json',
];

function Actions({ view, live }: { readonly view: EvaluationView; readonly live: boolean }) {
  const lab = useLab();
  async function save(name: keyof EvaluationFiles) {
    const files = await lab.evaluations.files(view.id);
    if (files) download(name, files[name], 'application/json');
  }
  if (live && !view.ended) {
    return (
      <ActionRow className={styles.actions}>
        <Button type="button" onClick={() => lab.evaluations.cancel()}>
          Cancel
        </Button>
      </ActionRow>
    );
  }
  return (
    <ActionRow className={styles.actions}>
      {FILES.map((name) => (
        <Button
          key={name}
          type="button"
          disabled={view.judged === 0}
          onClick={() => void save(name)}
        >
          <Hidden>Save </Hidden>
          <span aria-hidden="true">↓</span>
          {name}
        </Button>
      ))}
    </ActionRow>
  );
}
