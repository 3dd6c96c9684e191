import { useEffect, useEffectEvent, useRef } from 'react';
import { useStore } from 'zustand';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Curve, CurveDef } from '../../state/curves.ts';
import { themeStore } from '../../state/theme.ts';
import { formatValue } from '../format.ts';
import { useSystemDark } from '../hooks.ts';
import { Plot } from '../parts/tile.tsx';

interface Props {
  readonly def: CurveDef;
  readonly curve: Curve;
  /** Right end of the step axis. */
  readonly end: number;
  readonly label: string;
  /** Index of the step under the cursor, or null when it leaves. */
  readonly onCursor: (index: number | null) => void;
  readonly onStep: (step: number) => void;
}

/** 1, 2, 5, 10, … 5 million: steps, or tokens. */
const INCREMENTS = Array.from(
  { length: 21 },
  (_, i) => [1, 2, 5][i % 3]! * 10 ** Math.floor(i / 3),
);

/** All plots of the page share one cursor. */
const sync = uPlot.sync('steps');

/** One curve on a canvas: band of recent extremes, raw values thin, smoothed values on top. */
export function CurvePlot({ def, curve, end, label, onCursor, onStep }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const theme = useStore(themeStore, (state) => state.theme);
  const dark = useSystemDark();
  const cursorMoved = useEffectEvent((index: number | null) => onCursor(index));

  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const made = new uPlot(optionsOf(def, element, cursorMoved), [[], [], [], [], [], []], element);
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [def]);

  useEffect(() => {
    const made = plot.current;
    if (!made) return;
    made.batch(() => {
      made.setData(
        [
          [...curve.steps],
          [...curve.raw],
          [...curve.low],
          [...curve.high],
          [...curve.smooth],
          [...curve.against],
        ],
        true,
      );
      made.setScale('x', { min: Math.min(curve.steps[0] ?? 0, 1), max: Math.max(end, 2) });
    });
  }, [curve, end]);

  // Strokes read the page's colours when drawn; a change of theme needs a fresh drawing and nothing
  // else.
  useEffect(() => plot.current?.redraw(false, true), [theme, dark]);

  function moveCursor(by: number): void {
    const made = plot.current;
    if (!made || curve.steps.length === 0) return;
    const now = made.cursor.idx ?? (by > 0 ? -1 : curve.steps.length);
    const index = Math.max(0, Math.min(curve.steps.length - 1, now + by));
    const left = made.valToPos(curve.steps[index] ?? 0, 'x');
    const { clientWidth, clientHeight } = made.over;
    made.setCursor({ left, top: clientHeight / 2 });
    sync.pub('mousemove', made, left, clientHeight / 2, clientWidth, clientHeight, index);
  }

  function pick(): void {
    const index = plot.current?.cursor.idx;
    const step = index == null ? undefined : curve.steps[index];
    if (step !== undefined) onStep(step);
  }

  return (
    <Plot
      ref={host}
      tabIndex={0}
      role="img"
      aria-label={label}
      onClick={pick}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
          event.preventDefault();
          moveCursor(event.key === 'ArrowRight' ? 1 : -1);
        } else if (event.key === 'Enter') {
          event.preventDefault();
          pick();
        }
      }}
      onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
    />
  );
}

function optionsOf(
  def: CurveDef,
  host: HTMLElement,
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const colour =
    (name: string, alpha = 1) =>
    () =>
      colourOf(host, name, alpha);
  const axis = {
    stroke: colour('--ink-3'),
    font: '11px ui-monospace, "Liberation Mono", monospace',
    ticks: { show: false },
  };
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    legend: { show: false },
    padding: [6, 8, 0, 0],
    cursor: {
      sync: { key: sync.key, setSeries: false },
      drag: { x: false, y: false },
      y: false,
      points: { size: 7, width: 1.5 },
    },
    scales: {
      x: { time: false, auto: false, range: (_u, min, max) => [min, max] },
      y: { range: (_u, min, max) => rangeOf(def, min, max) },
    },
    axes: [
      {
        ...axis,
        size: 22,
        gap: 4,
        space: 56,
        incrs: INCREMENTS,
        values: (_u, values) => values.map(stepTick),
        grid: { stroke: colour('--line'), width: 1 },
      },
      {
        ...axis,
        size: 46,
        gap: 4,
        space: 34,
        grid: { stroke: colour('--line'), width: 1 },
        values: (_u, values) => values.map((v) => tick(def, v)),
      },
    ],
    bands: [{ series: [3, 2], fill: colour('--accent', 0.09) }],
    series: [
      {},
      {
        stroke: colour('--accent', 0.5),
        width: 1,
        points: {
          show: (u) => (u.data[0]?.length ?? 0) < 60,
          size: 4,
          width: 0,
          fill: colour('--accent', 0.6),
        },
      },
      { stroke: 'transparent', width: 0, points: { show: false } },
      { stroke: 'transparent', width: 0, points: { show: false } },
      { stroke: colour('--accent'), width: 2, spanGaps: true, points: { show: false } },
      {
        stroke: colour('--ink-2'),
        width: 1.5,
        dash: [5, 4],
        spanGaps: true,
        points: { show: false },
      },
    ],
    hooks: {
      setCursor: [(u) => onCursor((u.cursor.left ?? -1) < 0 ? null : (u.cursor.idx ?? null))],
    },
  };
}

function rangeOf(def: CurveDef, min: number | null, max: number | null): [number, number] {
  if (def.range) return [def.range[0], def.range[1]];
  if (min === null || max === null) return [0, 1];
  const low = min >= 0 && min < 0.6 * max ? 0 : min;
  // Values that differ by rounding alone are one value.
  const span = max - low > 1e-9 * Math.abs(max) ? max - low : 0;
  const pad = (span || Math.abs(max) || 1) * 0.08;
  return [low === 0 ? 0 : low - pad, max + pad];
}

/** Thousands of tokens as `20k`. */
function stepTick(value: number): string {
  return value >= 10_000 ? `${value / 1000}k` : String(value);
}

function tick(def: CurveDef, value: number): string {
  if (def.percent) return `${Math.round(value * 100)}%`;
  const size = Math.abs(value);
  if (size >= 10_000) return `${Math.round(value / 1000)}k`;
  return size !== 0 && size < 1e-3
    ? formatValue(value)
    : String(Number(value.toPrecision(3))).replace('-', '−');
}

/** A custom property as the canvas can use it: light-dark() resolved, with `alpha`. */
function colourOf(host: HTMLElement, name: string, alpha: number): string {
  const probe = host.querySelector<HTMLElement>('.u-over') ?? host;
  const before = probe.style.color;
  probe.style.color = `var(${name})`;
  const rgb = getComputedStyle(probe).color;
  probe.style.color = before;
  const parts = rgb.match(/[\d.]+/g) ?? [];
  return alpha === 1 ? rgb : `rgb(${parts.slice(0, 3).join(' ')} / ${alpha})`;
}
