import { DEFAULT_METHOD } from '../../schema/config.ts';
import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import type { RunView } from '../../state/fold.ts';
import { formatRoute, SHOWS, type Filter, type Show } from '../../state/route.ts';
import { neighbour, type Row } from '../../state/rows.ts';
import { formatCount } from '../../lib/format.ts';
import { currentRoute, go, useLabState } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { KIND_WORDS } from '../../settings/kinds.ts';
import { METHODS } from '../../settings/methods.ts';
import { useWindow } from '../parts/use-window.ts';
import { layoutOf, rowAt, scrollTo, totalHeight } from '../parts/windowed.ts';
import { GROUP_HEIGHT, RolloutRow, ROW_HEIGHT } from './rollout-row.tsx';
import type { RunRoute } from '../../state/route.ts';
import { Hidden } from '../parts/text.tsx';
import { ListEmpty, ToolRow } from '../parts/console.tsx';
import { Button } from '../parts/button.tsx';
import { Segments } from '../parts/segments.tsx';
import styles from './rollout-list.module.css';

interface Props {
  readonly view: RunView;
  readonly rows: readonly Row[];
  readonly route: RunRoute;
}

const MARGIN = GROUP_HEIGHT;
const heightOf = (row: Row) => (row.kind === 'group' ? GROUP_HEIGHT : ROW_HEIGHT);

/**
 * All completions in the order of the run, windowed. New ones are added below. What the user looks
 * at stays where it is when a filter's rows come or go above it; only `Latest` moves the list, and
 * any hand on the list ends that.
 */
export function RolloutList({ view, rows, route }: Props) {
  const live = useLabState((s) => s.status.state === 'running' && s.status.runId === view.runId);
  const [wish, setWish] = useState<boolean | null>(null);
  const selected = route.screen === 'rollout' ? route.rollout : null;
  const follow = selected === null && (wish ?? live);
  const anchor = useRef<{ key: string; delta: number } | null>(null);
  const layout = useMemo(() => layoutOf(rows, heightOf), [rows]);
  const box = useRef<HTMLDivElement>(null);
  const { from, to, setScrollTop } = useWindow(box, layout);

  function keepAnchor(top: number): void {
    const index = rowAt(layout, top);
    const row = rows[index];
    anchor.current = row ? { key: row.key, delta: top - (layout.tops[index] ?? 0) } : null;
  }

  // After the rows changed: either at the last completion written, or the row that was on top is on
  // top again.
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (follow) {
      const last = rows.findLastIndex((row) => row.kind === 'rollout' && row.rollout !== null);
      if (last >= 0)
        element.scrollTop = (layout.tops[last + 1] ?? 0) + MARGIN - element.clientHeight;
      return;
    }
    const held = anchor.current;
    if (!held) return;
    const index = rows.findIndex((row) => row.key === held.key);
    if (index < 0) return;
    const top = (layout.tops[index] ?? 0) + held.delta;
    if (Math.abs(element.scrollTop - top) > 1) element.scrollTop = top;
  }, [rows, layout, follow]);

  // The selected row is brought into sight when the selection changes, and only then.
  const seen = useRef<string | null>(null);
  useLayoutEffect(() => {
    if (seen.current === selected) return;
    seen.current = selected;
    const index = rows.findIndex((row) => row.kind === 'rollout' && row.rollout?.id === selected);
    if (selected !== null && index >= 0) reveal(index);
  });

  function reveal(index: number): void {
    const element = box.current;
    if (!element) return;
    element.scrollTop = scrollTo(layout, index, element.scrollTop, element.clientHeight, MARGIN);
    keepAnchor(element.scrollTop);
  }

  /** j and k: the next rollout where one is open, else the next row in focus. */
  function move(by: 1 | -1): void {
    const now = currentRoute();
    if (now.screen === 'rollout') {
      const next = neighbour(rows, now.rollout, by);
      if (next) go({ ...now, rollout: next.id }, 'replace');
      return;
    }
    setWish(false);
    const focused =
      document.activeElement instanceof HTMLElement
        ? document.activeElement.dataset['rollout']
        : undefined;
    const next =
      focused === undefined ? rowInSight() : (neighbour(rows, focused, by)?.id ?? focused);
    const index = rows.findIndex((row) => row.kind === 'rollout' && row.rollout?.id === next);
    if (index < 0) return;
    reveal(index);
    flushSync(() => setScrollTop(box.current?.scrollTop ?? 0));
    box.current
      ?.querySelector<HTMLElement>(`[data-rollout="${CSS.escape(next ?? '')}"]`)
      ?.focus({ preventScroll: true });
  }

  function rowInSight(): string | undefined {
    const top = box.current?.scrollTop ?? 0;
    for (const [i, row] of rows.entries()) {
      if (row.kind === 'rollout' && row.rollout && (layout.tops[i] ?? 0) >= top)
        return row.rollout.id;
    }
    return undefined;
  }

  const arrow = (by: 1 | -1) => (event: KeyboardEvent) => {
    if (box.current?.contains(event.target as Node)) move(by);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    l: () => setWish(!follow),
    ArrowDown: arrow(1),
    ArrowUp: arrow(-1),
  });

  return (
    <section className={styles.list} aria-label="Completions">
      <ListTools view={view} route={route} follow={follow} onFollow={setWish} />
      <div
        ref={box}
        className={styles.box}
        onScroll={(event) => {
          setScrollTop(event.currentTarget.scrollTop);
          keepAnchor(event.currentTarget.scrollTop);
        }}
        onWheel={(event) => event.deltaY < 0 && setWish(false)}
        onPointerDown={() => setWish(false)}
        onFocus={() => setWish(false)}
      >
        {rows.length === 0 && <Empty view={view} filter={route.filter} />}
        <div role="list" style={{ height: totalHeight(layout), position: 'relative' }}>
          {rows.slice(from, to).map((row, i) => (
            <div
              key={row.key}
              role="listitem"
              aria-setsize={rows.length}
              aria-posinset={from + i + 1}
              style={{
                position: 'absolute',
                left: 0,
                right: 0,
                transform: `translateY(${layout.tops[from + i] ?? 0}px)`,
                height: heightOf(row),
              }}
            >
              <RolloutRow row={row} route={route} selected={selected} />
            </div>
          ))}
        </div>
      </div>
    </section>
  );
}

function Empty({ view, filter }: { readonly view: RunView; readonly filter: Filter }) {
  const none = view.counts.rollouts === 0;
  return (
    <ListEmpty>
      {none
        ? 'No completion yet: the first ones appear here as they are written.'
        : `None of the ${formatCount(view.counts.rollouts)} completions ` +
          `matches${filter.step === null ? '' : ` in step ${filter.step}`}. Choose ` +
          `“All”${filter.kind === null ? '' : ' and every kind'} to see them.`}
    </ListEmpty>
  );
}

const SHOW_NAMES: Record<Show, string> = {
  all: 'All',
  pass: 'Pass',
  fail: 'Fail',
  rescued: 'Rescued',
  'no-loss': 'Not in loss',
};

interface ToolsProps {
  readonly view: RunView;
  readonly route: RunRoute;
  readonly follow: boolean;
  readonly onFollow: (follow: boolean) => void;
}

function ListTools({ view, route, follow, onFollow }: ToolsProps) {
  const { filter } = route;
  const filtered = (change: Partial<Filter>) =>
    go({ ...route, filter: { ...filter, ...change } }, 'replace');
  const { kinds } = METHODS[view.config?.method ?? DEFAULT_METHOD];
  return (
    <ToolRow>
      <Segments
        label="Show"
        name="show"
        options={SHOWS.filter((show) => show !== 'rescued' || kinds.length > 1)}
        nameOf={(show) => SHOW_NAMES[show]}
        value={filter.show}
        onChange={(show) => filtered({ show })}
      />
      {kinds.length > 1 && (
        <label className={styles.kind}>
          <Hidden>Kind of completion</Hidden>
          <select
            value={filter.kind ?? ''}
            onChange={(event) =>
              filtered({ kind: kinds.find((kind) => kind === event.target.value) ?? null })
            }
          >
            <option value="">every kind</option>
            {kinds.map((kind) => (
              <option key={kind} value={kind}>
                {KIND_WORDS[kind][1]}
              </option>
            ))}
          </select>
        </label>
      )}
      {filter.step !== null && (
        <Button
          as="a"
          className={styles.chip}
          href={formatRoute({ ...route, filter: { ...filter, step: null } })}
          aria-label={`Step ${filter.step} only; show every step`}
        >
          step {filter.step} ×
        </Button>
      )}
      <Button
        type="button"
        quiet
        className={styles.latest}
        aria-pressed={follow}
        disabled={route.screen === 'rollout' || view.counts.rollouts === 0}
        onClick={() => onFollow(!follow)}
      >
        Latest ↓
      </Button>
    </ToolRow>
  );
}
