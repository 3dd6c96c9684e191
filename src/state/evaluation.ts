import type {
  AnswerHead,
  EvaluationEnded,
  EvaluationEvent,
  EvaluationStarted,
} from '../schema/evaluation.ts';
import type { VerdictStatus } from '../schema/verdict.ts';

/** An evaluation as the screens show it: a pure function of its log. */
export interface EvaluationView {
  readonly id: string;
  /** Null until `evaluation.started` has been read. */
  readonly started: EvaluationStarted | null;
  readonly problems: readonly ProblemView[];
  readonly judged: number;
  readonly answers: number;
  readonly counts: Readonly<Record<VerdictStatus, number>>;
  readonly ended: EvaluationEnded | null;
  /** Sequence number the next event must carry. */
  readonly nextSeq: number;
  /** Time of the last event, ms since the epoch. */
  readonly lastTime: number;
}

export interface ProblemView {
  readonly id: string;
  readonly text: string;
  /** By sample; null: not judged yet. */
  readonly answers: readonly (AnswerHead | null)[];
}

const NONE: EvaluationView['counts'] = {
  pass: 0,
  fail: 0,
  error: 0,
  timeout: 0,
  crash: 0,
  infra: 0,
  'no-code': 0,
};

export function foldEvaluation(id: string, events: readonly EvaluationEvent[]): EvaluationView {
  const empty = {
    id,
    started: null,
    problems: [],
    judged: 0,
    answers: 0,
    counts: NONE,
    ended: null,
    nextSeq: 0,
    lastTime: 0,
  };
  return extendEvaluation(empty, events) ?? empty;
}

/**
 * The view after those of `events` it has not seen; null where one between is missing. Problems
 * nothing came for stay the same objects.
 */
export function extendEvaluation(
  view: EvaluationView,
  events: readonly EvaluationEvent[],
): EvaluationView | null {
  const news = events.filter((event) => event.seq >= view.nextSeq);
  if (news.some((event, i) => event.seq !== view.nextSeq + i)) return null;
  let { started, ended, problems } = view;
  const judged = news.filter((event) => event.type === 'answer.judged');
  for (const event of news) {
    if (event.type === 'evaluation.started') {
      started = event;
      problems = event.problems.map(({ id, text, answers }) => ({
        id,
        text,
        answers: new Array<null>(answers).fill(null),
      }));
    } else if (event.type === 'evaluation.ended') ended = event;
  }
  return {
    id: view.id,
    started,
    problems: judged.length === 0 ? problems : withAnswers(problems, judged),
    judged: view.judged + judged.length,
    answers: started?.problems.reduce((sum, problem) => sum + problem.answers, 0) ?? 0,
    counts: judged.reduce(
      (counts, { status }) => ({ ...counts, [status]: counts[status] + 1 }),
      view.counts,
    ),
    ended,
    nextSeq: view.nextSeq + news.length,
    lastTime: news.at(-1)?.time ?? view.lastTime,
  };
}

function withAnswers(
  problems: readonly ProblemView[],
  judged: readonly AnswerHead[],
): ProblemView[] {
  const by = new Map<string, AnswerHead[]>();
  for (const answer of judged) by.set(answer.problem, [...(by.get(answer.problem) ?? []), answer]);
  return problems.map((problem) => {
    const fresh = by.get(problem.id);
    if (!fresh) return problem;
    const answers = [...problem.answers];
    for (const answer of fresh) answers[answer.sample] = answer;
    return { ...problem, answers };
  });
}

/**
 * Seconds until all answers are judged, from the mean so far; null where that is not known or over.
 */
export function secondsToJudge(view: EvaluationView): number | null {
  if (!view.started || view.ended || view.judged === 0) return null;
  return ((view.lastTime - view.started.time) / 1000 / view.judged) * (view.answers - view.judged);
}

export const OUTCOMES = ['all', 'pass', 'fail', 'timeout', 'crash', 'infra', 'waiting'] as const;
/**
 * What the table can be held to; `fail`: the program is wrong, whether by an assert, an error or
 * for want of code.
 */
export type Outcome = (typeof OUTCOMES)[number];

/** What the problem table shows; part of the URL so that a link reproduces it. */
export interface ProblemFilter {
  readonly outcome: Outcome;
  /** Text in a problem's id or task, whatever its case; '' for all. */
  readonly find: string;
}

export const ALL_PROBLEMS: ProblemFilter = { outcome: 'all', find: '' };

/** Problems with an answer of the filter's outcome and its text. */
export function problemsShown(
  view: EvaluationView,
  { outcome, find }: ProblemFilter,
): ProblemView[] {
  const text = find.trim().toLowerCase();
  return view.problems.filter(
    (problem) =>
      (outcome === 'all' || problem.answers.some((answer) => outcomeOf(answer) === outcome)) &&
      (text === '' ||
        problem.id.toLowerCase().includes(text) ||
        problem.text.toLowerCase().includes(text)),
  );
}

export function outcomeOf(answer: AnswerHead | null): Exclude<Outcome, 'all'> {
  if (answer === null) return 'waiting';
  switch (answer.status) {
    case 'pass':
    case 'timeout':
    case 'crash':
    case 'infra':
      return answer.status;
    case 'fail':
    case 'error':
    case 'no-code':
      return 'fail';
    default:
      return answer.status satisfies never;
  }
}

/** Answers by outcome, those to come included. */
export function outcomeCounts({
  counts,
  judged,
  answers,
}: EvaluationView): Record<Exclude<Outcome, 'all'>, number> {
  const { pass, timeout, crash, infra } = counts;
  return {
    pass,
    fail: counts.fail + counts.error + counts['no-code'],
    timeout,
    crash,
    infra,
    waiting: answers - judged,
  };
}

/**
 * The sample a link to a problem opens: the first that the filter is about, else the first that did
 * not pass, else the first.
 */
export function sampleToOpen(problem: ProblemView, outcome: Outcome): number {
  const at = (test: (answer: AnswerHead | null) => boolean) => problem.answers.findIndex(test);
  const wanted =
    outcome === 'all' || outcome === 'pass' ? -1 : at((answer) => outcomeOf(answer) === outcome);
  const failed =
    outcome === 'pass' ? -1 : at((answer) => answer !== null && answer.status !== 'pass');
  return Math.max(0, wanted >= 0 ? wanted : failed >= 0 ? failed : at((answer) => answer !== null));
}

/**
 * The problem `by` places after (or before) `id` in the table; null at its ends. A problem the
 * filter hides is next to its nearer end.
 */
export function nextProblem(
  shown: readonly ProblemView[],
  id: string,
  by: 1 | -1,
): ProblemView | null {
  const at = shown.findIndex((problem) => problem.id === id);
  return shown[at < 0 && by < 0 ? shown.length - 1 : at + by] ?? null;
}
