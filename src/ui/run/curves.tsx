import { useMemo, useState } from 'react';
import { curveOf, curvesOf, type Curve, type CurveDef } from '../../state/curves.ts';
import type { RunView } from '../../state/fold.ts';
import { formatValue } from '../format.ts';
import { go } from '../hooks.ts';
import { CurvePlot } from './curve-plot.tsx';
import { Evaluations } from './evaluations.tsx';
import { Kinds } from './kinds.tsx';
import type { RunRoute } from '../../state/route.ts';
import { formatPercent } from '../../lib/format.ts';
import { Label, Sentence } from '../parts/text.tsx';
import { CurveLegend, Pen, TileFrame, TileNote, TileValue, Unit } from '../parts/tile.tsx';
import styles from './curves.module.css';
import tables from './tables.module.css';

export function Curves({ view, route }: { readonly view: RunView; readonly route: RunRoute }) {
  const { updates } = view;
  const method = view.config?.method;
  const curves = useMemo(
    () => curvesOf(method).map((def) => ({ def, curve: curveOf(def, updates) })),
    [method, updates],
  );
  const end = axisEnd(view);
  const toStep = (step: number) =>
    go({ screen: 'run', runId: route.runId, filter: { ...route.filter, step } });
  return (
    <section className={styles.curves} aria-label="Curves">
      {updates.length === 0 && <Sentence className={styles.wait}>{waitingFor(view)}</Sentence>}
      <div className={styles.grid}>
        {curves.map(({ def, curve }) => (
          <Tile key={def.key} def={def} curve={curve} end={end} onStep={toStep} />
        ))}
      </div>
      <CurveLegend aria-hidden="true">
        <Pen /> each step <Pen smooth /> smoothed <Pen band /> range of the last 8
        {curves.some(({ def }) => def.against) && (
          <>
            <Pen against /> without reflection
          </>
        )}
        <span> · a click on a step shows its completions</span>
      </CurveLegend>
      <Kinds view={view} />
      <Evaluations view={view} />
      {updates.length > 0 && <ValueTable curves={curves} />}
    </section>
  );
}

function waitingFor(view: RunView): string {
  if (view.finished)
    return 'The run ended before its first step was done, so there is nothing to draw.';
  if (view.phase?.phase === 'evaluate')
    return (
      'The held-out problems are answered first, to have something to compare with; the ' +
      'curves begin with the first update.'
    );
  return view.steps.length === 0
    ? 'The curves begin with the first update.'
    : 'The first step is under way; the curves begin with its update.';
}

/**
 * The step axis ends at a round number that grows seldom, so that drawn points hardly ever move.
 */
function axisEnd(view: RunView): number {
  const last = view.updates.at(-1)?.step ?? 0;
  const planned = view.config?.steps ?? Infinity;
  if (view.finished) return Math.max(last, 1);
  const round =
    [10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750].find((n) => n >= last) ??
    Math.ceil(last / 500) * 500;
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
    value === null || value === undefined
      ? '–'
      : def.percent
        ? formatPercent(value)
        : formatValue(value);
  return (
    <TileFrame data-curve={def.key}>
      <figcaption title={def.about}>
        <Label>{def.label}</Label>
        <TileValue data-held={cursor !== null}>
          {show(curve.raw[at])}
          {def.unit !== '' && curve.raw[at] != null && <Unit> {def.unit}</Unit>}
        </TileValue>
        <TileNote>{last < 0 ? '' : noteOf(def, curve, at, show)}</TileNote>
      </figcaption>
      <CurvePlot
        def={def}
        curve={curve}
        end={end}
        label={
          `${def.label} by step. ` +
          (last < 0
            ? 'No values yet. '
            : `${curve.steps.length} steps, the last: ${show(curve.raw[last])}, ` +
              `${noteOf(def, curve, last, show)}. `) +
          'Left and right arrow keys read values, Enter shows the step’s completions.'
        }
        onCursor={setCursor}
        onStep={onStep}
      />
    </TileFrame>
  );
}

/** `step 5, smoothed 0.31`; what else the tile draws is named. */
function noteOf(
  def: CurveDef,
  curve: Curve,
  at: number,
  show: (value: number | null | undefined) => string,
): string {
  const bold = `${def.counts ? 'so far' : 'smoothed'} ${show(curve.smooth[at])}`;
  const second = def.against ? `, ${def.against.label} ${show(curve.against[at])}` : '';
  return `step ${curve.steps[at] ?? '–'}, ${bold}${second}`;
}

/** The numbers behind the curves. */
function ValueTable({
  curves,
}: {
  readonly curves: readonly { readonly def: CurveDef; readonly curve: Curve }[];
}) {
  const [open, setOpen] = useState(false);
  const steps = curves[0]?.curve.steps ?? [];
  const columns = curves.flatMap(({ def, curve }) => [
    { key: def.key, label: def.label, values: curve.raw },
    ...(def.against
      ? [
          {
            key: `${def.key}-against`,
            label: `${def.against.label}, smoothed`,
            values: curve.against,
          },
        ]
      : []),
  ]);
  return (
    <details className={tables.values} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The same as a table</summary>
      {open && (
        <div className={tables.scroll} tabIndex={0} role="region" aria-label="Values by step">
          <table>
            <thead>
              <tr>
                <th scope="col">Step</th>
                {columns.map(({ key, label }) => (
                  <th key={key} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {steps.map((step, i) => (
                <tr key={step}>
                  <th scope="row">{step}</th>
                  {columns.map(({ key, values }) => (
                    <td key={key}>{formatValue(values[i])}</td>
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
