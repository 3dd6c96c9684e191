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
import { Label, Sentence } from '../parts/text.tsx';
import { Facts, PanelName, PanelText } from '../parts/rack.tsx';
import { Button } from '../parts/button.tsx';
import { Lamp } from '../parts/lamp.tsx';
import { SettingFrame, SettingLabel, SettingNote } from '../parts/setting.tsx';
import styles from './plan-card.module.css';

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
    <section className={styles.plan} aria-labelledby="plan-title" data-testid="plan">
      <Label as="h3" className={styles.title} id="plan-title">
        Memory, storage, time
      </Label>
      {plan.state === 'loading' && <PanelText>Working out what this run takes…</PanelText>}
      {plan.state === 'error' && (
        <>
          <Sentence error>{plan.message}</Sentence>
          <Button type="button" onClick={() => plans.show(config, here)}>
            Plan again
          </Button>
        </>
      )}
      {plan.state === 'ready' && (
        <div className={styles.parts} aria-live="polite">
          <Memory plan={plan.data.memory} />
          <div className={styles.rest}>
            <BudgetField />
            <Storage storage={plan.data.storage} />
            {plan.data.ahead !== null && <PanelText>{plan.data.ahead}</PanelText>}
            <div className={styles.time}>
              {step?.state === 'ready' && <Time estimate={step.data} steps={config.steps} />}
              {step?.state === 'error' && <Sentence error>{step.message}</Sentence>}
              {here ? (
                <Button
                  type="button"
                  className={styles.measure}
                  disabled={busy || step?.state === 'loading' || !plan.data.memory.fits}
                  onClick={() => plans.measure(config)}
                >
                  {step?.state === 'loading' ? 'Measuring…' : 'Measure a step here'}
                </Button>
              ) : (
                <PanelText>How long a step takes can be measured once the model is here.</PanelText>
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
    <div className={styles.memory}>
      <PanelName>
        <Lamp tone={plan.fits ? 'good' : 'bad'} />
        {formatBytes(device)} of {formatBytes(budget.bytes)}
      </PanelName>
      <div className={styles.bar} role="img" aria-label={`${plan.summary}`}>
        {shown.map((part) => (
          <span
            key={part}
            data-part={part}
            style={{ width: `${(100 * parts[part]) / whole}%` }}
            title={`${PART_NAMES[part]}: ${formatBytes(parts[part])}`}
          />
        ))}
      </div>
      <Facts className={styles.facts}>
        {shown.map((part) => (
          <div key={part} data-part={part}>
            <dt>{PART_NAMES[part]}</dt>
            <dd>{formatBytes(parts[part])}</dd>
          </div>
        ))}
      </Facts>
      <PanelText warn={!plan.fits}>{plan.summary}</PanelText>
      {plan.advice && <PanelText warn>{plan.advice}</PanelText>}
      <PanelText>
        {plan.precision} weights, micro-batches of {plan.sizes.microBatchRows} tokens,{' '}
        {plan.sizes.slots === 1 ? 'one answer' : `${plan.sizes.slots} answers`} at a time.
      </PanelText>
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
    <SettingFrame bare data-wrong={wrong}>
      <SettingLabel htmlFor="plan-budget">GPU memory, GiB</SettingLabel>
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
      <SettingNote id="plan-budget-note">
        {wrong
          ? 'A number above 0, or nothing.'
          : 'No page is told how much there is; a run never takes more than what stands here.'}
      </SettingNote>
    </SettingFrame>
  );
}

function Storage({ storage }: { readonly storage: RunPlan['storage'] }) {
  return <PanelText warn={!storage.fits}>{storage.summary}</PanelText>;
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
    <PanelText role="status">
      <b>
        {formatSeconds(half)} to {formatSeconds(full)} a step
      </b>
      {steps !== null &&
        `, ${formatSeconds(steps * half)} to ${formatSeconds(steps * full)} for ${steps} steps`}
      : with answers of half the length they may have, and of all of it.{' '}
      {estimate.noise === null
        ? 'Worked out from a small piece of the work.'
        : `Two measurements differed by ${formatPercent(estimate.noise)}.`}
    </PanelText>
  );
}
