import { createStore, type StoreApi } from 'zustand/vanilla';
import { messageOf } from '../lib/errors.ts';
import type { RunConfig } from '../schema/config.ts';
import type { RunPlan, StepEstimate } from '../schema/plan.ts';
import type { SessionClient } from './client.ts';
import type { Loadable } from './loadable.ts';

export interface PlansState {
  /** Bytes of the GPU's memory that a run may take; null: not said. */
  readonly memory: number | null;
  /** Of the configuration shown last. */
  readonly plan: Loadable<RunPlan>;
  /** Of the configuration measured last; null where none was, or another is shown now. */
  readonly step: Loadable<StepEstimate> | null;
}

/** What the run being set up would take. */
export interface Plans {
  readonly store: StoreApi<PlansState>;
  /**
   * Plans `config`, whose model is `here` or still at the hub; what was measured stays as long as
   * nothing that it depends on changes.
   */
  show(config: RunConfig, here: boolean): void;
  measure(config: RunConfig): void;
  setMemory(bytes: number | null): void;
}

export function createPlans(client: SessionClient): Plans {
  const store = createStore<PlansState>(() => ({
    memory: null,
    plan: { state: 'loading' },
    step: null,
  }));
  const { getState: get, setState: set } = store;
  /** What is shown and what was measured, as text: an answer to anything else comes too late. */
  let shown = '';
  let model = '';
  let measured = '';

  const keyOf = (config: RunConfig, here = true) => JSON.stringify([config, here, get().memory]);
  function answer<T>(
    promise: Promise<T>,
    current: () => boolean,
    put: (value: Loadable<T>) => void,
  ): void {
    promise.then(
      (data) => current() && put({ state: 'ready', data }),
      (error: unknown) => current() && put({ state: 'error', message: messageOf(error) }),
    );
  }

  return {
    store,
    show(config, here) {
      const key = keyOf(config, here);
      if (key === shown && get().plan.state !== 'error') return;
      shown = key;
      if (key !== measured) set({ step: null });
      // A plan of other settings stays until the new one is there; one of another model would
      // mislead.
      if (config.model !== model || get().plan.state === 'error')
        set({ plan: { state: 'loading' } });
      model = config.model;
      answer(
        client.ask({ type: 'plan', config, memory: get().memory }),
        () => shown === key,
        (plan) => set({ plan }),
      );
    },
    measure(config) {
      const key = (measured = keyOf(config));
      set({ step: { state: 'loading' } });
      answer(
        client.ask({ type: 'measure', config, memory: get().memory }),
        () => measured === key && shown === key,
        (step) => set({ step }),
      );
    },
    setMemory: (memory) => set({ memory }),
  };
}
