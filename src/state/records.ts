import type { StoreApi } from 'zustand/vanilla';
import { recordOf, type RunRecord } from '../compare/record.ts';
import { messageOf } from '../lib/errors.ts';
import type { SessionClient } from './client.ts';
import { createKeyed, type Keyed } from './keyed.ts';

/** What comparisons need of stored runs, by run id. */
export interface Records {
  readonly store: StoreApi<Keyed<RunRecord>>;
  /** Reads the logs of runs that have not been read, or had not finished when they were. */
  open(runs: readonly string[]): void;
}

export function createRecords(client: SessionClient): Records {
  const records = createKeyed<RunRecord>();

  async function recordFor(runId: string): Promise<RunRecord> {
    try {
      const record = recordOf(await client.ask({ type: 'log', runId }));
      if (!record) throw new Error('its log does not say how it began');
      return record;
    } catch (error) {
      throw new Error(`Run ${runId} cannot be compared: ${messageOf(error)}`, { cause: error });
    }
  }

  return {
    store: records.store,
    open(runs) {
      for (const runId of runs) {
        const held = records.get(runId);
        if (held?.state === 'loading' || (held?.state === 'ready' && held.data.finished)) continue;
        void records.read(runId, () => recordFor(runId));
      }
    },
  };
}
