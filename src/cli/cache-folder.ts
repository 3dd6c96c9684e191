import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where fetched files are kept: `AFTERTHOUGHT_CACHE`, else below the user's cache folder. Data sets
 * lie at the top of the former, as they have since before there were models.
 */
export function cacheFolder(kind: 'datasets' | 'models'): string {
  const { XDG_CACHE_HOME, AFTERTHOUGHT_CACHE } = process.env;
  if (AFTERTHOUGHT_CACHE !== undefined)
    return kind === 'datasets' ? AFTERTHOUGHT_CACHE : join(AFTERTHOUGHT_CACHE, kind);
  return join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'afterthought', kind);
}
