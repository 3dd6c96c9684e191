import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { formatBytes, formatPercent, formatSeconds } from '../../lib/format.ts';
import type { RunConfig } from '../../schema/config.ts';
import {
  MEMORY_PARTS,
  PART_NAMES,
  type MemoryPlan,
  type RunPlan,
  type StepEstimate,
} from '../../schema/plan.ts';
import { isBusy } from '../../state/run-state.ts';
import { useLab, useLabState } from '../hooks.ts';
import './plan.css';

const GIB = 2 ** 30;

interface Props {
  readonly config: RunConfig;
  /** Its model is on this machine; another is planned by what the hub says of it. */
  readonly here: boolean;
}

/**
 * What the run that is set up would take of memory, storage and time, before anything starts or is
 * fetched.
 */
export function PlanCard({ config, here }: Props) {
  const { plans } = useLab();
  const { memory, plan, step } = useStore(plans.store);
  const busy = useLabState((state) => state.starting || isBusy(state.status));
  useEffect(() => plans.show(config, here), [plans, config, here, memory]);
  return (
    <section className="plan" aria-labelledby="plan-title" data-testid="plan">
      <h3 className="label settings-title" id="plan-title">
        Memory, storage, time
      </h3>
      {plan.state === 'loading' && <p className="module-text">Working out what this run takes…</p>}
      {plan.state === 'error' && (
        <>
          <p className="sentence error">{plan.message}</p>
          <button type="button" className="button" onClick={() => plans.show(config, here)}>
            Plan again
          </button>
        </>
      )}
      {plan.state === 'ready' && (
        <div className="plan-parts" aria-live="polite">
          <Memory plan={plan.data.memory} />
          <div className="plan-rest">
            <BudgetField />
            <Storage storage={plan.data.storage} />
            {plan.data.ahead !== null && <p className="module-text">{plan.data.ahead}</p>}
            <div className="plan-time">
              {step?.state === 'ready' && <Time estimate={step.data} steps={config.steps} />}
              {step?.state === 'error' && <p className="sentence error">{step.message}</p>}
              {here ? (
                <button
                  type="button"
                  className="button"
                  disabled={busy || step?.state === 'loading' || !plan.data.memory.fits}
                  onClick={() => plans.measure(config)}
                >
                  {step?.state === 'loading' ? 'Measuring…' : 'Measure a step here'}
                </button>
              ) : (
                <p className="module-text">
                  How long a step takes can be measured once the model is here.
                </p>
              )}
            </div>
          </div>
        </div>
      )}
    </section>
  );
}

function Memory({ plan }: { readonly plan: MemoryPlan }) {
  const { budget, device, parts } = plan;
  const whole = Math.max(budget.bytes, device);
  const shown = MEMORY_PARTS.filter((part) => parts[part] > 0);
  return (
    <div className="plan-memory">
      <p className="module-name">
        <span className="lamp" data-tone={plan.fits ? 'good' : 'bad'} />
        {formatBytes(device)} of {formatBytes(budget.bytes)}
      </p>
      <div className="plan-bar" role="img" aria-label={`${plan.summary}`}>
        {shown.map((part) => (
          <span
            key={part}
            data-part={part}
            style={{ width: `${(100 * parts[part]) / whole}%` }}
            title={`${PART_NAMES[part]}: ${formatBytes(parts[part])}`}
          />
        ))}
      </div>
      <dl className="facts plan-facts">
        {shown.map((part) => (
          <div key={part} data-part={part}>
            <dt>{PART_NAMES[part]}</dt>
            <dd>{formatBytes(parts[part])}</dd>
          </div>
        ))}
      </dl>
      <p className={`module-text${plan.fits ? '' : ' warn'}`}>{plan.summary}</p>
      {plan.advice && <p className="module-text warn">{plan.advice}</p>}
      <p className="module-text">
        {plan.precision} weights, micro-batches of {plan.sizes.microBatchRows} tokens,{' '}
        {plan.sizes.slots === 1 ? 'one answer' : `${plan.sizes.slots} answers`} at a time.
      </p>
    </div>
  );
}

/** The one number that WebGPU does not tell. */
function BudgetField() {
  const { plans } = useLab();
  const given = useStore(plans.store, (state) => state.memory);
  const [text, setText] = useState(given === null ? '' : String(given / GIB));
  const wrong = text !== '' && !(Number(text) > 0);
  return (
    <div className="setting" data-wrong={wrong}>
      <label className="label" htmlFor="plan-budget">
        GPU memory, GiB
      </label>
      <input
        id="plan-budget"
        inputMode="decimal"
        autoComplete="off"
        placeholder="assumed"
        value={text}
        aria-invalid={wrong}
        aria-describedby="plan-budget-note"
        onChange={(event) => {
          setText(event.target.value);
          const bytes = Number(event.target.value) * GIB;
          if (event.target.value === '') plans.setMemory(null);
          else if (bytes > 0) plans.setMemory(bytes);
        }}
      />
      <p className="setting-note" id="plan-budget-note">
        {wrong
          ? 'A number above 0, or nothing.'
          : 'No page is told how much there is; a run never takes more than what stands here.'}
      </p>
    </div>
  );
}

function Storage({ storage }: { readonly storage: RunPlan['storage'] }) {
  return <p className={`module-text${storage.fits ? '' : ' warn'}`}>{storage.summary}</p>;
}

function Time({
  estimate,
  steps,
}: {
  readonly estimate: StepEstimate;
  readonly steps: number | null;
}) {
  const { half, full } = estimate.step;
  return (
    <p className="module-text" role="status">
      <b>
        {formatSeconds(half)} to {formatSeconds(full)} a step
      </b>
      {steps !== null &&
        `, ${formatSeconds(steps * half)} to ${formatSeconds(steps * full)} for ${steps} steps`}
      : with answers of half the length they may have, and of all of it.{' '}
      {estimate.noise === null
        ? 'Worked out from a small piece of the work.'
        : `Two measurements differed by ${formatPercent(estimate.noise)}.`}
    </p>
  );
}
