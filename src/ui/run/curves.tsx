import { useMemo, useState } from 'react';
import { CURVES, curveOf, type Curve, type CurveDef } from '../../state/curves.ts';
import type { RunView } from '../../state/fold.ts';
import { formatValue } from '../format.ts';
import { go } from '../hooks.ts';
import { CurvePlot } from './curve-plot.tsx';
import { Evaluations } from './evaluations.tsx';
import type { RunRoute } from './run-screen.tsx';
import { formatPercent } from '../../lib/format.ts';

export function Curves({ view, route }: { readonly view: RunView; readonly route: RunRoute }) {
  const { updates } = view;
  const curves = useMemo(() => CURVES.map((def) => ({ def, curve: curveOf(def, updates) })), [updates]);
  const end = axisEnd(view);
  const toStep = (step: number) => go({ screen: 'run', runId: route.runId, filter: { ...route.filter, step } });
  return (
    <section className="curves" aria-label="Curves">
      {updates.length === 0 && (
        <p className="sentence curves-wait">{waitingFor(view)}</p>
      )}
      <div className="curve-grid">
        {curves.map(({ def, curve }) => (
          <Tile key={def.key} def={def} curve={curve} end={end} onStep={toStep} />
        ))}
      </div>
      <p className="curve-legend" aria-hidden="true">
        <i className="pen raw" /> each step <i className="pen smooth" /> smoothed <i className="pen band" /> range of the last 8
        <span> · a click on a step shows its completions</span>
      </p>
      <Evaluations view={view} />
      {updates.length > 0 && <ValueTable curves={curves} />}
    </section>
  );
}

function waitingFor(view: RunView): string {
  if (view.finished) return 'The run ended before its first step was done, so there is nothing to draw.';
  if (view.phase?.phase === 'evaluate') return 'The held-out problems are answered first, to have something to compare with; the curves begin with the first update.';
  return view.steps.length === 0 ? 'The curves begin with the first update.' : 'The first step is under way; the curves begin with its update.';
}

/** The step axis ends at a round number that grows seldom, so that drawn points hardly ever move. */
function axisEnd(view: RunView): number {
  const last = view.updates.at(-1)?.step ?? 0;
  const planned = view.config?.steps ?? Infinity;
  if (view.finished) return Math.max(last, 1);
  const round = [10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750].find((n) => n >= last) ?? Math.ceil(last / 500) * 500;
  return Math.max(last, Math.min(round, planned));
}

interface TileProps {
  readonly def: CurveDef;
  readonly curve: Curve;
  readonly end: number;
  readonly onStep: (step: number) => void;
}

function Tile({ def, curve, end, onStep }: TileProps) {
  const [cursor, setCursor] = useState<number | null>(null);
  const last = curve.steps.length - 1;
  const at = cursor ?? last;
  const show = (value: number | null | undefined) =>
    value === null || value === undefined ? '–' : def.percent ? formatPercent(value) : formatValue(value);
  return (
    <figure className="tile" data-curve={def.key}>
      <figcaption title={def.about}>
        <span className="label">{def.label}</span>
        <span className="tile-value" data-held={cursor !== null}>
          {show(curve.raw[at])}
          {def.unit !== '' && curve.raw[at] != null && <span className="unit"> {def.unit}</span>}
        </span>
        <span className="tile-note">{last < 0 ? '' : `step ${curve.steps[at] ?? '–'}, smoothed ${show(curve.smooth[at])}`}</span>
      </figcaption>
      <CurvePlot
        def={def}
        curve={curve}
        end={end}
        label={`${def.label} by step. ${last < 0 ? 'No values yet.' : `${curve.steps.length} steps, the last ${show(curve.raw[last])}, smoothed ${show(curve.smooth[last])}.`} Left and right arrow keys read values, Enter shows the step’s completions.`}
        onCursor={setCursor}
        onStep={onStep}
      />
    </figure>
  );
}

/** The numbers behind the curves. */
function ValueTable({ curves }: { readonly curves: readonly { readonly def: CurveDef; readonly curve: Curve }[] }) {
  const [open, setOpen] = useState(false);
  const steps = curves[0]?.curve.steps ?? [];
  return (
    <details className="value-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The same as a table</summary>
      {open && (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="Values by step">
          <table>
            <thead>
              <tr>
                <th scope="col">Step</th>
                {curves.map(({ def }) => (
                  <th key={def.key} scope="col">
                    {def.label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {steps.map((step, i) => (
                <tr key={step}>
                  <th scope="row">{step}</th>
                  {curves.map(({ def, curve }) => (
                    <td key={def.key}>{formatValue(curve.raw[i])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
