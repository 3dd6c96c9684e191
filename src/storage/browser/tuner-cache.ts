import { get, set } from 'idb-keyval';
import type { TunerCache } from '../../model/plan/tuner.ts';

/** The tuner's choices in IndexedDB. */
export const browserTunerCache: TunerCache = {
  read: (key) => get(key),
  write: (key, variants) => set(key, variants),
};
