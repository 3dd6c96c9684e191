import { DEFAULT_METHOD, methodOf } from '../../schema/config.ts';
import { formatCount, formatSeconds } from '../../lib/format.ts';
import type { Phase } from '../../settings/kinds.ts';
import type { SessionStatus } from '../../schema/protocol.ts';
import type { RunView } from '../../state/fold.ts';
import { rescueOf } from '../../state/outcomes.ts';
import {
  isBusy,
  phaseIndex,
  runStateOf,
  secondsLeft,
  type RunState,
} from '../../state/run-state.ts';
import { formatDate, formatValue } from '../format.ts';
import { useLab, useLabState } from '../hooks.ts';
import { describeRun } from '../methods.ts';
import { METHODS } from '../../settings/methods.ts';
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
import { Label } from '../parts/text.tsx';
import { Button } from '../parts/button.tsx';
import styles from './run-header.module.css';

const STATES: Record<RunState, { readonly word: string; readonly tone: string }> = {
  running: { word: 'Running', tone: 'live' },
  elsewhere: { word: 'Running in another tab', tone: 'live' },
  pausing: { word: 'Ending the step', tone: 'wait' },
  starting: { word: 'Starting', tone: 'wait' },
  paused: { word: 'Paused', tone: 'wait' },
  interrupted: { word: 'Interrupted', tone: 'bad' },
  finished: { word: 'Finished', tone: '' },
};

export function RunHeader({ view }: { readonly view: RunView }) {
  const mine = useLabState((lab) => lab.status);
  const elsewhere = useLabState((lab) => lab.elsewhere);
  const state = runStateOf(view, mine, elsewhere);
  const status = (state === 'elsewhere' ? elsewhere.get(view.runId) : null) ?? mine;
  const { config } = view;
  const { word, tone } = STATES[state];
  return (
    <ConsoleHeader>
      <ConsoleLine>
        <ConsoleHeading>
          <a href="#/" aria-label="All runs">
            Runs
          </a>
          <span aria-hidden="true">/</span>
          {view.started ? formatDate(view.started.time) : view.runId}
          {config && <ConsoleWhat>{describeRun(config)}</ConsoleWhat>}
        </ConsoleHeading>
        <Actions view={view} state={state} />
      </ConsoleLine>
      <ConsoleLine gauges>
        <StateGauge tone={tone} word={word} />
        <Gauge label="Step" value={stepText(view, status)} testId="step" />
        <PhaseStrip status={status} view={view} />
        <Gauge label="Tokens/s" value={formatValue(view.updates.at(-1)?.tokensPerSecond)} />
        <Gauge
          label="Passed"
          value={
            view.counts.judged === 0
              ? '–'
              : `${formatCount(view.counts.passed)} / ${formatCount(view.counts.judged)}`
          }
        />
        <Second view={view} />
        <Remaining view={view} state={state} />
        <Gauge
          label="Checkpoint"
          value={view.checkpoint ? `step ${view.checkpoint.step}` : 'none yet'}
        />
      </ConsoleLine>
      <Sentence view={view} state={state} status={status} />
      <Warnings view={view} />
    </ConsoleHeader>
  );
}

function stepText(view: RunView, status: SessionStatus): string {
  const now =
    status.state === 'running' && status.runId === view.runId
      ? status.step
      : (view.updates.at(-1)?.step ?? 0);
  const planned = view.config?.steps;
  return planned == null ? formatCount(now) : `${formatCount(now)} / ${formatCount(planned)}`;
}

function Gauge({
  label,
  value,
  testId,
}: {
  readonly label: string;
  readonly value: string;
  readonly testId?: string;
}) {
  return (
    <GaugeBox data-testid={testId}>
      <Label>{label}</Label>
      <span>{value}</span>
    </GaugeBox>
  );
}

/** What second answers came to, where the method asks for them. */
function Second({ view }: { readonly view: RunView }) {
  const rescue = rescueOf(view);
  if (rescue)
    return (
      <Gauge
        label="Rescued"
        value={`${formatCount(rescue.rescued)} / ${formatCount(rescue.failed)}`}
        testId="rescued"
      />
    );
  if (!view.config || !methodOf(view.config).phases.includes('distill')) return null;
  const targets = view.updates.reduce(
    (sum, { distillation }) => sum + (distillation?.targets ?? 0),
    0,
  );
  return <Gauge label="Distilled" value={formatCount(targets)} />;
}

function Remaining({ view, state }: { readonly view: RunView; readonly state: RunState }) {
  const left = secondsLeft(view);
  const last = view.updates.at(-1)?.seconds;
  if (left !== null && (state === 'running' || state === 'pausing' || state === 'elsewhere'))
    return <Gauge label="Left, about" value={formatSeconds(left)} />;
  return (
    <Gauge
      label="Last step"
      value={last ? formatSeconds(last.sample + last.grade + last.update) : '–'}
    />
  );
}

const PHASE_NAMES: Record<Phase | 'checkpoint', string> = {
  sample: 'sample',
  grade: 'grade',
  refine: 'refine',
  reflect: 'reflect',
  retry: 'retry',
  update: 'update',
  'update-reflector': 'reflector',
  distill: 'distill',
  evaluate: 'evaluate',
  checkpoint: 'store',
};

/** The phases of the method's step, the present one filled as far as it has come. */
function PhaseStrip({ status, view }: { readonly status: SessionStatus; readonly view: RunView }) {
  const running = status.state === 'running' && status.runId === view.runId ? status : null;
  const seconds = view.updates.at(-1)?.seconds;
  const phases = [...METHODS[view.config?.method ?? DEFAULT_METHOD].phases, 'checkpoint' as const];
  const at = running
    ? phaseIndex(phases, view.phase?.step === running.step ? view.phase.begun : [], running.phase)
    : -1;
  const share = running && running.total > 0 ? Math.min(1, running.done / running.total) : 0;
  return (
    <GaugeBox as="div" className={styles.phases}>
      <Label>
        {running?.phase === 'evaluate' ? 'Evaluating' : 'Phase'}
        {running && running.total > 1 && (
          <span className={styles.count}>
            {' '}
            {formatCount(running.done)} of {formatCount(running.total)}
          </span>
        )}
      </Label>
      <ol className={styles.bars} aria-label="Phases of a step">
        {phases.map((phase, i) => {
          const filled = i < at ? 1 : i === at ? share : 0;
          const took =
            phase === 'sample' || phase === 'grade' || phase === 'update'
              ? seconds?.[phase]
              : undefined;
          return (
            <li key={i} data-now={i === at} aria-current={i === at ? 'step' : undefined}>
              <span className={styles.fill} style={{ transform: `scaleX(${filled})` }} />
              <span className={styles.name}>{PHASE_NAMES[phase]}</span>
              {took !== undefined && phases.length === 4 && (
                <span className={styles.took}>{formatSeconds(took)}</span>
              )}
            </li>
          );
        })}
      </ol>
    </GaugeBox>
  );
}

function Actions({ view, state }: { readonly view: RunView; readonly state: RunState }) {
  const lab = useLab();
  const starting = useLabState((s) => s.starting);
  const noGpu = useLabState((s) => s.device.state === 'ready' && !s.device.data.available);
  const busy = useLabState((s) => isBusy(s.status));
  if (lab.isReport) return null;
  switch (state) {
    case 'running':
    case 'pausing':
      return (
        <ActionRow>
          <Button type="button" disabled={state === 'pausing'} onClick={() => lab.pause()}>
            Pause
          </Button>
          <Button type="button" disabled={state === 'pausing'} onClick={() => lab.stop()}>
            Stop and keep
          </Button>
        </ActionRow>
      );
    case 'paused':
    case 'interrupted':
      return (
        <ActionRow>
          <Button
            type="button"
            primary
            disabled={starting || noGpu || busy}
            onClick={() => void lab.resume(view.runId)}
          >
            Resume
          </Button>
        </ActionRow>
      );
    case 'finished':
      if (view.finished?.reason !== 'stopped' || view.evals.after || !view.evals.before)
        return null;
      return (
        <ActionRow>
          <Button
            type="button"
            disabled={starting || noGpu || busy}
            onClick={() => void lab.evaluateStopped(view.runId)}
          >
            Evaluate after training
          </Button>
        </ActionRow>
      );
    case 'elsewhere':
    case 'starting':
      return null;
    default:
      return state satisfies never;
  }
}

/** What the state means for the user, where the word alone does not say it. */
function Sentence({
  view,
  state,
  status,
}: {
  readonly view: RunView;
  readonly state: RunState;
  readonly status: SessionStatus;
}) {
  const { isReport } = useLab();
  const text = isReport ? reportSentence(view) : sentenceOf(view, state, status);
  return text === null ? null : <ConsoleSentence>{text}</ConsoleSentence>;
}

function sentenceOf(view: RunView, state: RunState, status: SessionStatus): string | null {
  const kept = view.checkpoint
    ? `its last checkpoint, after step ${view.checkpoint.step}`
    : 'the beginning, as no checkpoint was written yet';
  switch (state) {
    case 'interrupted':
      return (
        'This run stopped before it finished, for example because its tab was closed. Resume continues from ' +
        `${kept}; a half-done step is done again.`
      );
    case 'paused':
      return (
        `${view.paused?.reason ?? (status.state === 'paused' ? status.reason : 'Paused.')} ` +
        `Resume continues from ${kept}.`
      );
    case 'pausing':
      return 'The step under way is finished and stored first.';
    case 'starting':
      return status.state === 'loading' ? `${status.what}…` : null;
    case 'finished': {
      const end = endOf(view);
      return end && `${end} It is kept on this machine.`;
    }
    case 'elsewhere':
      return 'This tab follows it as it goes. Pause or stop it in the tab that started or resumed it.';
    case 'running':
      return null;
    default:
      return state satisfies never;
  }
}

const ENDS = {
  steps: 'all its steps are done',
  budget: 'its token budget is spent',
  stopped: 'it was stopped',
};

function endOf({ finished }: RunView): string | null {
  return finished && `Finished after step ${finished.step}: ${ENDS[finished.reason]}.`;
}

/** A report tells of a run as it was, and has nothing to go on with. */
function reportSentence(view: RunView): string {
  return endOf(view) ?? view.paused?.reason ?? 'The run had not ended when this report was made.';
}

function Warnings({ view }: { readonly view: RunView }) {
  const { warnings } = view;
  const last = warnings.at(-1);
  if (!last) return null;
  return (
    <details className={styles.warnings}>
      <summary>
        <span className={styles.mark}>
          {warnings.length === 1 ? 'Warning' : `${warnings.length} warnings`}
        </span>{' '}
        {last.message}
      </summary>
      <ol>
        {warnings.slice(0, -1).map((warning) => (
          <li key={warning.seq}>
            <time>{formatDate(warning.time)}</time> {warning.message}
          </li>
        ))}
      </ol>
    </details>
  );
}
