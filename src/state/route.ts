import { DEFAULT_METHOD, METHOD_NAMES, type Method } from '../schema/config.ts';
import { KINDS, type Kind } from '../settings/kinds.ts';
import { ALL_PROBLEMS, OUTCOMES, type ProblemFilter } from './evaluation.ts';

/**
 * The URL's hash owns selection: which run, which rollout, which colouring, which filter. Stores
 * never mirror it; components read it through `useRoute` and change it by links or `go`.
 */
export const COLOURINGS = ['logprob', 'advantage', 'entropy', 'kl', 'ratio'] as const;
export type Colouring = (typeof COLOURINGS)[number];

/** `rescued`: failed attempts from which a passing answer followed, with what followed. */
export const SHOWS = ['all', 'pass', 'fail', 'rescued', 'no-loss'] as const;
export type Show = (typeof SHOWS)[number];

/** What the rollout list shows; part of the URL so that a link reproduces it. */
export interface Filter {
  readonly show: Show;
  /** One kind of completion only; null: every kind. */
  readonly kind: Kind | null;
  /** One step only; null: every step. */
  readonly step: number | null;
}

export type Route =
  | {
      readonly screen: 'start';
      readonly method: Method;
      /** `nano` or the id of a model that is here or can be fetched. */
      readonly model: string;
      /** Name of the data set that is trained on. */
      readonly data: string;
    }
  | { readonly screen: 'run'; readonly runId: string; readonly filter: Filter }
  | {
      readonly screen: 'rollout';
      readonly runId: string;
      readonly rollout: string;
      readonly colour: Colouring;
      readonly filter: Filter;
    }
  | { readonly screen: 'evaluate' }
  | { readonly screen: 'evaluation'; readonly id: string; readonly filter: ProblemFilter }
  | {
      readonly screen: 'answer';
      readonly id: string;
      readonly problem: string;
      readonly sample: number;
      readonly filter: ProblemFilter;
    }
  /** Ids of the runs that are compared, in the order they were chosen. */
  | { readonly screen: 'compare'; readonly runs: readonly string[] }
  | { readonly screen: 'models' }
  | { readonly screen: 'unknown'; readonly hash: string };

export const NO_FILTER: Filter = { show: 'all', kind: null, step: null };

export const START = {
  screen: 'start',
  method: DEFAULT_METHOD,
  model: 'nano',
  data: 'starter',
} as const satisfies Route;

/** Reads a location hash (`#/run/<id>/rollout/<step>/<problem>/<sample>?color=advantage`). */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  const params = new URLSearchParams(query);
  if (parts.length === 0) return startRoute(params);
  if (parts[0] === 'models' && parts.length === 1) return { screen: 'models' };
  if (parts[0] === 'compare' && parts.length === 1)
    return { screen: 'compare', runs: runList(query) };
  if (parts[0] === 'evaluate')
    return evaluateRoute(parts.slice(1), params) ?? { screen: 'unknown', hash };
  const [head, runId, kind, ...rest] = parts;
  if (head !== 'run' || runId === undefined) return { screen: 'unknown', hash };
  const filter = parseFilter(params);
  if (kind === undefined) return { screen: 'run', runId, filter };
  if (kind !== 'rollout' || rest.length === 0) return { screen: 'unknown', hash };
  const colour = COLOURINGS.find((c) => c === params.get('color')) ?? 'logprob';
  return { screen: 'rollout', runId, rollout: rest.join('/'), colour, filter };
}

function startRoute(params: URLSearchParams): Route {
  return {
    screen: 'start',
    method: METHOD_NAMES.find((m) => m === params.get('method')) ?? START.method,
    model: params.get('model') || START.model,
    data: params.get('data') || START.data,
  };
}

/** The ids in `runs=a,b`, which may hold commas of their own, encoded. */
function runList(query: string): string[] {
  const ids =
    query
      .split('&')
      .find((part) => part.startsWith('runs='))
      ?.slice('runs='.length) ?? '';
  return [...new Set(ids.split(',').map(decode))].filter((id) => id !== '');
}

/**
 * `#/evaluate`, `#/evaluate/<id>?show=fail&find=text`, `#/evaluate/<id>/<problem>/<sample>`,
 * samples counted from 0.
 */
function evaluateRoute(parts: readonly string[], params: URLSearchParams): Route | null {
  const [id, ...rest] = parts;
  if (id === undefined) return { screen: 'evaluate' };
  const outcome = OUTCOMES.find((o) => o === params.get('show')) ?? ALL_PROBLEMS.outcome;
  const filter = { outcome, find: params.get('find') ?? '' };
  if (rest.length === 0) return { screen: 'evaluation', id, filter };
  const sample = rest.at(-1) ?? '';
  if (rest.length < 2 || !/^\d+$/.test(sample)) return null;
  return {
    screen: 'answer',
    id,
    problem: rest.slice(0, -1).join('/'),
    sample: Number(sample),
    filter,
  };
}

/** The hash of a route; defaults are left out, so that equal places have equal addresses. */
export function formatRoute(route: Route): string {
  switch (route.screen) {
    case 'start':
      return `#/${startQuery(route)}`;
    case 'run':
      return `#/run/${encodeURIComponent(route.runId)}${query(route.filter, null)}`;
    case 'rollout': {
      const rollout = route.rollout.split('/').map(encodeURIComponent).join('/');
      return `#/run/${encodeURIComponent(route.runId)}/rollout/${rollout}${query(route.filter, route.colour)}`;
    }
    case 'evaluate':
      return '#/evaluate';
    case 'evaluation':
      return `#/evaluate/${encodeURIComponent(route.id)}${problemQuery(route.filter)}`;
    case 'answer': {
      const problem = route.problem.split('/').map(encodeURIComponent).join('/');
      return `#/evaluate/${encodeURIComponent(route.id)}/${problem}/${route.sample}${problemQuery(route.filter)}`;
    }
    case 'compare':
      return route.runs.length === 0
        ? '#/compare'
        : `#/compare?runs=${route.runs.map(encodeURIComponent).join(',')}`;
    case 'models':
      return '#/models';
    case 'unknown':
      return route.hash;
    default:
      return route satisfies never;
  }
}

function startQuery(route: Extract<Route, { screen: 'start' }>): string {
  const params = new URLSearchParams();
  for (const key of ['method', 'model', 'data'] as const)
    if (route[key] !== START[key]) params.set(key, route[key]);
  return queryText(params);
}

function problemQuery({ outcome, find }: ProblemFilter): string {
  const params = new URLSearchParams();
  if (outcome !== ALL_PROBLEMS.outcome) params.set('show', outcome);
  if (find !== '') params.set('find', find);
  return queryText(params);
}

function query(filter: Filter, colour: Colouring | null): string {
  const params = new URLSearchParams();
  if (colour !== null && colour !== 'logprob') params.set('color', colour);
  if (filter.show !== 'all') params.set('show', filter.show);
  if (filter.kind !== null) params.set('kind', filter.kind);
  if (filter.step !== null) params.set('step', String(filter.step));
  return queryText(params);
}

function queryText(params: URLSearchParams): string {
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

function parseFilter(params: URLSearchParams): Filter {
  const show = SHOWS.find((s) => s === params.get('show')) ?? 'all';
  const kind = KINDS.find((k) => k === params.get('kind')) ?? null;
  const text = params.get('step');
  const step = text !== null && /^\d+$/.test(text) ? Number(text) : null;
  return { show, kind, step };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray % typed by hand is taken as it stands
  }
}

/** Addresses of a screen and of what opens within it. */
export type RunRoute = Extract<Route, { screen: 'run' | 'rollout' }>;

/** Addresses of a screen and of what opens within it. */
export type EvaluationRoute = Extract<Route, { screen: 'evaluation' | 'answer' }>;
