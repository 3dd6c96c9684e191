import { createStore, type StoreApi } from 'zustand/vanilla';
import { recordOf, type RunRecord } from '../compare/record.ts';
import { messageOf } from '../lib/errors.ts';
import type { SessionClient } from './client.ts';
import type { Loadable } from './loadable.ts';

/** What comparisons need of stored runs, by run id. */
export interface Records {
  readonly store: StoreApi<Readonly<Record<string, Loadable<RunRecord>>>>;
  /** Reads the logs of runs that have not been read, or had not finished when they were. */
  open(runs: readonly string[]): void;
}

export function createRecords(client: SessionClient): Records {
  const store = createStore<Readonly<Record<string, Loadable<RunRecord>>>>(() => ({}));
  const put = (runId: string, record: Loadable<RunRecord>) => store.setState({ [runId]: record });

  async function read(runId: string): Promise<void> {
    if (store.getState()[runId]?.state !== 'ready') put(runId, { state: 'loading' });
    try {
      const record = recordOf(await client.ask({ type: 'log', runId }));
      if (!record) throw new Error('its log does not say how it began');
      put(runId, { state: 'ready', data: record });
    } catch (error) {
      put(runId, {
        state: 'error',
        message: `Run ${runId} cannot be compared: ${messageOf(error)}`,
      });
    }
  }

  return {
    store,
    open(runs) {
      for (const runId of runs) {
        const held = store.getState()[runId];
        if (held?.state === 'loading' || (held?.state === 'ready' && held.data.finished)) continue;
        void read(runId);
      }
    },
  };
}
