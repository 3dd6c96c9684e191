import { createContext, use, useEffect, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import type { RunRecord } from '../compare/record.ts';
import type { Lab, LabState, RolloutTokens, TargetTokens } from '../state/lab.ts';
import type { Keyed } from '../state/keyed.ts';
import type { Loadable } from '../state/loadable.ts';
import { presetKey, tokensKey } from '../state/lab.ts';
import type { Method, RunConfig } from '../schema/config.ts';
import type { JudgedAnswer } from '../schema/evaluation.ts';
import type { ImportedAdapter } from '../schema/protocol.ts';
import type { EvaluationView } from '../state/evaluation.ts';
import { answerKey, type EvaluationsState } from '../state/evaluations.ts';
import type { RunView } from '../state/fold.ts';
import { placeOf, type ModelPlace } from '../state/model-places.ts';
import type { ModelsState } from '../state/models-state.ts';
import { formatRoute, parseRoute, type Route } from '../state/route.ts';

export const LabContext = createContext<Lab | null>(null);

export function useLab(): Lab {
  const lab = use(LabContext);
  if (!lab)
    throw new Error('This component is drawn outside <LabContext>; wrap it, as src/main.tsx does.');
  return lab;
}

export function useLabState<T>(select: (state: LabState) => T): T {
  return useStore(useLab().store, select);
}

function onHash(changed: () => void): () => void {
  window.addEventListener('hashchange', changed);
  return () => window.removeEventListener('hashchange', changed);
}

/**
 * The place the URL names now: for handlers, which may run before a change of place has been drawn.
 */
export function currentRoute(): Route {
  return parseRoute(window.location.hash);
}

/** The place the URL names. */
export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(onHash, () => window.location.hash));
}

/** Goes to a place; `replace` leaves no entry in the history (stepping through rollouts). */
export function go(route: Route, how: 'push' | 'replace' = 'push'): void {
  const hash = formatRoute(route);
  if (how === 'push') window.location.hash = hash;
  else window.location.replace(hash);
}

const LOADING = { state: 'loading' } as const;

/** The run's view, read from the worker when first asked for. */
export function useRun(runId: string): Loadable<RunView> {
  const lab = useLab();
  useEffect(() => lab.openRun(runId), [lab, runId]);
  return useStore(lab.views, (views) => views.get(runId)) ?? LOADING;
}

/** The defaults of a method for a model, read from the worker when first asked for. */
export function usePreset(method: Method, model: string): Loadable<RunConfig> {
  const lab = useLab();
  useEffect(() => lab.openPreset(method, model), [lab, method, model]);
  return useStore(lab.presets, (presets) => presets.get(presetKey(method, model))) ?? LOADING;
}

/** A rollout's token columns; asked for once they are written (`ready`). */
export function useTokens(runId: string, rollout: string, ready: boolean): Loadable<RolloutTokens> {
  const lab = useLab();
  useEffect(() => {
    if (ready) lab.openTokens(runId, rollout);
  }, [lab, runId, rollout, ready]);
  return useStore(lab.tokens, (tokens) => tokens.get(tokensKey(runId, rollout))) ?? LOADING;
}

/** A distilled target's columns; they are stored before the log says that it is one. */
export function useDistillation(runId: string, rollout: string): Loadable<TargetTokens> {
  const lab = useLab();
  useEffect(() => lab.openDistillation(runId, rollout), [lab, runId, rollout]);
  return useStore(lab.distillations, (held) => held.get(tokensKey(runId, rollout))) ?? LOADING;
}

export function useEvaluationsState<T>(select: (state: EvaluationsState) => T): T {
  return useStore(useLab().evaluations.store, select);
}

/** The evaluation's view, read from the worker when first asked for. */
export function useEvaluation(id: string): Loadable<EvaluationView> {
  const { evaluations } = useLab();
  useEffect(() => evaluations.open(id), [evaluations, id]);
  return useStore(evaluations.views, (views) => views.get(id)) ?? LOADING;
}

/** An answer with its text and asserts; asked for once it is judged (`ready`). */
export function useAnswer(
  id: string,
  problem: string,
  sample: number,
  ready: boolean,
): Loadable<JudgedAnswer> {
  const { evaluations } = useLab();
  useEffect(() => {
    if (ready) evaluations.openAnswer(id, problem, sample);
  }, [evaluations, id, problem, sample, ready]);
  const key = answerKey(id, problem, sample);
  return useStore(evaluations.answers, (answers) => answers.get(key)) ?? LOADING;
}

export function useModelsState<T>(select: (state: ModelsState) => T): T {
  return useStore(useLab().models.store, select);
}

export function useAdaptersState<T>(
  select: (state: { readonly list: Loadable<readonly ImportedAdapter[]> }) => T,
): T {
  return useStore(useLab().adapters.store, select);
}

/** What is known of the model that an id names; null where it names none. */
export function useModelPlace(id: string): ModelPlace | null {
  const state = useModelsState((held) => held);
  return placeOf(id, state.shelf.state === 'ready' ? state.shelf.data : null, state);
}

/** What a comparison needs of each run, by id; read from the worker when first asked for. */
export function useRecords(runs: readonly string[]): Keyed<RunRecord> {
  const { records } = useLab();
  const ids = runs.join('\n');
  useEffect(() => records.open(ids === '' ? [] : ids.split('\n')), [records, ids]);
  return useStore(records.store);
}

function onMedia(query: string) {
  return (changed: () => void) => {
    const media = window.matchMedia(query);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  };
}

const onDark = onMedia('(prefers-color-scheme: dark)');

export function useSystemDark(): boolean {
  return useSyncExternalStore(
    onDark,
    () => window.matchMedia('(prefers-color-scheme: dark)').matches,
  );
}
