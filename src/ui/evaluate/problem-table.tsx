import { useLayoutEffect, useMemo, useRef, type KeyboardEvent } from 'react';
import { flushSync } from 'react-dom';
import { formatCount } from '../../lib/format.ts';
import {
  OUTCOMES,
  outcomeCounts,
  sampleToOpen,
  type EvaluationView,
  type Outcome,
  type ProblemFilter,
  type ProblemView,
} from '../../state/evaluation.ts';
import { formatRoute } from '../../state/route.ts';
import { go } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { useWindow } from '../parts/use-window.ts';
import { VerdictMark } from '../parts/verdict-mark.tsx';
import { layoutOf, scrollTo, totalHeight } from '../parts/windowed.ts';
import { problemTitle } from '../problem-title.ts';
import type { EvaluationRoute } from '../../state/route.ts';
import { Mono, Muted } from '../parts/text.tsx';
import { OutcomeStrip } from '../parts/outcome-strip.tsx';
import { ListEmpty, ToolRow } from '../parts/console.tsx';
import { Segments } from '../parts/segments.tsx';
import styles from './problem-table.module.css';

const ROW_HEIGHT = 50;
/** Marks of a problem with many answers; the rest is a number. */
const MOST_MARKS = 16;

interface Props {
  readonly route: EvaluationRoute;
  readonly view: EvaluationView;
  /** Those that the filter lets through. */
  readonly shown: readonly ProblemView[];
}

/** All problems in the data set's order, windowed; each leads to its answers. */
export function ProblemTable({ route, view, shown }: Props) {
  const layout = useMemo(() => layoutOf(shown, () => ROW_HEIGHT), [shown]);
  const box = useRef<HTMLDivElement>(null);
  const { from, to, setScrollTop } = useWindow(box, layout);
  const { outcome, find } = route.filter;
  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = 0;
  }, [outcome, find]);

  /** Moves the focus to the next row, which may have to be drawn first. */
  function move(by: 1 | -1): void {
    const element = box.current;
    if (!element || shown.length === 0) return;
    const focused =
      document.activeElement instanceof HTMLElement
        ? document.activeElement.dataset['row']
        : undefined;
    const at = focused === undefined ? (by > 0 ? 0 : shown.length - 1) : Number(focused) + by;
    const index = Math.min(shown.length - 1, Math.max(0, at));
    element.scrollTop = scrollTo(layout, index, element.scrollTop, element.clientHeight);
    flushSync(() => setScrollTop(element.scrollTop));
    element.querySelector<HTMLElement>(`[data-row="${index}"]`)?.focus({ preventScroll: true });
  }

  function onArrow(event: KeyboardEvent): void {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    move(event.key === 'ArrowDown' ? 1 : -1);
  }
  useKeys({ j: () => move(1), k: () => move(-1) });

  return (
    <section className={styles.problems} aria-label="Problems">
      <Tools route={route} view={view} shown={shown.length} />
      <div
        ref={box}
        className={styles.box}
        onKeyDown={onArrow}
        onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
      >
        {shown.length === 0 && (
          <ListEmpty>
            None of the {formatCount(view.problems.length)} problems matches. Choose “All” and clear
            the text to see them.
          </ListEmpty>
        )}
        <div role="list" style={{ height: totalHeight(layout), position: 'relative' }}>
          {shown.slice(from, to).map((problem, i) => (
            <div
              key={problem.id}
              role="listitem"
              aria-setsize={shown.length}
              aria-posinset={from + i + 1}
              className={styles.place}
              style={{ transform: `translateY(${(from + i) * ROW_HEIGHT}px)`, height: ROW_HEIGHT }}
            >
              <ProblemRow problem={problem} place={from + i} route={route} />
            </div>
          ))}
        </div>
      </div>
    </section>
  );
}

function ProblemRow({
  problem,
  place,
  route,
}: {
  readonly problem: ProblemView;
  readonly place: number;
  readonly route: EvaluationRoute;
}) {
  const sample = sampleToOpen(problem, route.filter.outcome);
  const answer = problem.answers[sample] ?? null;
  const { id, filter } = route;
  return (
    <a
      className={styles.row}
      data-row={place}
      data-problem={problem.id}
      href={formatRoute({ screen: 'answer', id, problem: problem.id, sample, filter })}
    >
      <span>{answer ? <VerdictMark status={answer.status} word /> : <Muted>waiting</Muted>}</span>
      <span className={styles.name}>
        <span className={styles.title}>{problemTitle(problem.text, problem.id)}</span>
        <Muted mono className={styles.id}>
          {problem.id}
        </Muted>
      </span>
      <span className={styles.tests}>
        {problem.answers.length > 1 ? (
          <Marks problem={problem} />
        ) : (
          answer && `${answer.passed} of ${answer.asserts} asserts`
        )}
        {answer?.parts && (
          <Muted>
            base {answer.parts.base}, plus {answer.parts.plus}
          </Muted>
        )}
      </span>
      <Mono className={styles.error}>{answer?.error}</Mono>
    </a>
  );
}

function Marks({ problem }: { readonly problem: ProblemView }) {
  const passes = problem.answers.filter((answer) => answer?.status === 'pass').length;
  return (
    <span className={styles.marks}>
      <OutcomeStrip aria-hidden="true">
        {problem.answers.slice(0, MOST_MARKS).map((answer, i) => (
          <span key={i} data-status={answer?.status ?? 'waiting'} />
        ))}
      </OutcomeStrip>
      {passes} of {problem.answers.length}
    </span>
  );
}

const OUTCOME_NAMES: Record<Outcome, string> = {
  all: 'All',
  pass: 'Pass',
  fail: 'Fail',
  timeout: 'Timeout',
  crash: 'Crash',
  infra: 'Sandbox',
  waiting: 'Waiting',
};

function Tools({
  route,
  view,
  shown,
}: {
  readonly route: EvaluationRoute;
  readonly view: EvaluationView;
  readonly shown: number;
}) {
  const { filter } = route;
  const counts = outcomeCounts(view);
  const filtered = (change: Partial<ProblemFilter>) =>
    go({ screen: 'evaluation', id: route.id, filter: { ...filter, ...change } }, 'replace');
  const offered = OUTCOMES.filter((o) => o === 'all' || o === filter.outcome || counts[o] > 0);
  return (
    <ToolRow className={styles.tools}>
      <Segments
        label="Show problems with an answer that is"
        name="outcome"
        options={offered}
        nameOf={(outcome) => OUTCOME_NAMES[outcome]}
        value={filter.outcome}
        onChange={(outcome) => filtered({ outcome })}
        narrow
      />
      <input
        type="search"
        className={styles.find}
        aria-label="Find in ids and tasks"
        placeholder="Find in ids and tasks"
        value={filter.find}
        onChange={(event) => filtered({ find: event.target.value })}
      />
      <Muted aria-live="polite">
        {formatCount(shown)} of {formatCount(view.problems.length)} problems
      </Muted>
    </ToolRow>
  );
}
