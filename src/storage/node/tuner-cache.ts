import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../../lib/json.ts';
import type { TunerCache } from '../../model/plan/tuner.ts';

const Stored = v.object({ key: v.string(), variants: v.unknown() });

/**
 * The tuner's choices in a folder (default: in the user's cache folder), a file a device and shape.
 */
export function folderTunerCache(
  folder = join(
    process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    'afterthought',
    'tuner',
  ),
): TunerCache {
  const path = (key: string) =>
    join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 16)}.json`);
  return {
    async read(key) {
      const stored = parseJson(Stored, await readFile(path(key), 'utf8'), path(key));
      return stored.key === key ? stored.variants : null;
    },
    async write(key, variants) {
      await mkdir(folder, { recursive: true });
      const writing = `${path(key)}.${process.pid}`;
      await writeFile(writing, JSON.stringify({ key, variants }));
      await rename(writing, path(key));
    },
  };
}
