import { formatCount, formatSeconds } from '../../lib/format.ts';
import type { EvaluationSummary, Rates } from '../../schema/evaluation.ts';
import type { EvaluationFiles, SessionStatus } from '../../schema/protocol.ts';
import { outcomeCounts, secondsToJudge, type EvaluationView } from '../../state/evaluation.ts';
import { formatDate, formatRate } from '../format.ts';
import { useLab, useLabState } from '../hooks.ts';
import { download } from '../parts/download.ts';
import { describe } from './stored-evaluations.tsx';

/** What goes on, the rates once they are known, what became of the answers, and the files. */
export function EvaluationHeader({ view }: { readonly view: EvaluationView }) {
  const status = useLabState((state) => state.status);
  const live = status.state === 'evaluating' && status.evaluation === view.id;
  const left = live ? secondsToJudge(view) : null;
  const { pass, fail, timeout, crash, infra } = outcomeCounts(view);
  const summary = view.ended?.summary ?? null;
  return (
    <header className="run-header">
      <div className="run-line">
        <h1 className="run-title">
          <a href="#/evaluate">Evaluations</a>
          <span aria-hidden="true">/</span>
          {view.started ? formatDate(view.started.time) : view.id}
          {view.started && <span className="run-what">{describe(view.started.config)}</span>}
        </h1>
        <Actions view={view} live={live} />
      </div>
      <div className="run-line run-gauges">
        <State view={view} status={status} live={live} />
        <p className="gauge" data-testid="judged">
          <span className="label">
            {left === null ? 'Judged' : `Judged, ${formatSeconds(left)} left`}
          </span>
          <span>
            {formatCount(view.judged)} / {formatCount(view.answers)}
            <progress
              value={view.judged}
              max={Math.max(1, view.answers)}
              aria-label="Answers judged"
            />
          </span>
        </p>
        <Count label="Pass" value={pass} />
        <Count label="Fail" value={fail} />
        <Count label="Timeout" value={timeout} />
        <Count label="Crash" value={crash} />
        <Count label="Sandbox failed" value={infra} />
      </div>
      {summary && <RateLines summary={summary} available={view.started?.available ?? 0} />}
      {view.ended?.message !== undefined && (
        <p className="run-sentence sentence error">{view.ended.message}</p>
      )}
      {view.ended?.reason === 'cancelled' && (
        <p className="run-sentence">
          Cancelled: the figures are of the {formatCount(view.judged)} answers judged until then.
        </p>
      )}
      {!view.ended && !live && (
        <p className="run-sentence">
          This evaluation ended without a word, as when a tab closes. What it had judged is below
          and can be saved; rates are in the saved summary.json.
        </p>
      )}
    </header>
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
  return (
    <p className="gauge run-lamp" role="status">
      <span className="label">State</span>
      <span>
        <span className="lamp" data-tone={tone} /> {word}
      </span>
    </p>
  );
}

function Count({ label, value }: { readonly label: string; readonly value: number }) {
  return (
    <p className="gauge" data-count={label}>
      <span className="label">{label}</span>
      <span>{formatCount(value)}</span>
    </p>
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
    <div className="rates" data-testid="rates">
      <RateLine name={plus ? 'Base' : 'All tests'} rates={base} available={available} />
      {plus && <RateLine name="Base and plus" rates={plus} available={available} />}
      {label !== undefined && <p className="muted">This is a {label}.</p>}
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
      <span className="muted">
        {' '}
        {formatCount(rates.passes)} answers pass, {formatCount(rates.problems)} of the data set’s{' '}
        {formatCount(available)} problems counted
      </span>
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
      <div className="run-actions">
        <button type="button" className="button" onClick={() => lab.evaluations.cancel()}>
          Cancel
        </button>
      </div>
    );
  }
  return (
    <div className="run-actions">
      {FILES.map((name) => (
        <button
          key={name}
          type="button"
          className="button"
          disabled={view.judged === 0}
          onClick={() => void save(name)}
        >
          <span className="visually-hidden">Save </span>
          <span aria-hidden="true">↓</span>
          {name}
        </button>
      ))}
    </div>
  );
}
