import { OpfsModels } from '../../storage/browser/opfs-models.ts';
import { Hub, STALL_MS } from '../../storage/hub/hub.ts';
import { systemClock } from '../../storage/hub/retry.ts';
import { createModelStore } from '../../storage/models.ts';
import type { ModelPorts } from '../models.ts';

/** Test support: models kept in `folder`, by a browser that reaches no hub. */
export function noHub(folder: FileSystemDirectoryHandle): ModelPorts {
  const endpoint = 'https://hub.invalid';
  const offline = () => Promise.reject(new TypeError('offline'));
  const storage = {
    estimate: async () => ({ usage: 0, quota: 2 ** 40 }),
    persisted: async () => true,
  };
  return {
    store: createModelStore({
      folders: new OpfsModels(folder, async () => () => undefined, storage),
      hub: new Hub({
        endpoint,
        token: null,
        fetch: offline,
        clock: systemClock,
        stallMs: STALL_MS,
      }),
      clock: systemClock,
    }),
    hub: endpoint,
  };
}
