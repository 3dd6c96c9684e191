import { formatBytes, formatPercent } from '../lib/format.ts';
import type { FileSource } from '../model/weights/source.ts';
import type { ModelPrecision } from '../schema/models.ts';
import { HUB, Hub, STALL_MS } from '../storage/hub/hub.ts';
import { systemClock } from '../storage/hub/retry.ts';
import { createModelStore, modelId, parseModelName, type ModelStore } from '../storage/models.ts';
import { FolderModels } from '../storage/node/folder-models.ts';
import type { TransferProgress } from '../storage/transfer.ts';
import { cacheFolder } from './cache-folder.ts';
import { folderSource } from '../storage/node/folder-source.ts';
import { remark } from './io.ts';

/**
 * The cache of models: `HF_ENDPOINT` is another address of the hub and `HF_TOKEN` a token for it,
 * as its own tools have it.
 */
function modelCache(): ModelStore {
  const { HF_ENDPOINT, HF_TOKEN } = process.env;
  return createModelStore({
    folders: new FolderModels(cacheFolder('models'), folderSource),
    hub: new Hub({
      endpoint: HF_ENDPOINT || HUB,
      token: HF_TOKEN || null,
      fetch,
      clock: systemClock,
      stallMs: STALL_MS,
    }),
    clock: systemClock,
  });
}

/**
 * The files of a model of the hub: from the cache, else downloaded with a progress line on stderr.
 * Where the model is there as stored, that serves every precision, since weights are converted when
 * they are loaded.
 * @param name `owner/name[@revision][:precision]`
 */
export async function hubModel(name: string, weights: ModelPrecision | null): Promise<FileSource> {
  const parsed = parseModelName(name);
  if (!parsed)
    throw new Error(
      `\`${name}\` is not the name of a model at the hub: owner/name or owner/name@revision.`,
    );
  const { repo, revision } = parsed;
  const precision = parsed.precision ?? weights ?? 'stored';
  const store = modelCache();
  const here =
    (await store.open(modelId(repo, revision, precision))) ??
    (await store.open(modelId(repo, revision, 'stored')));
  if (here) return here;
  const stop = new AbortController();
  const interrupt = () =>
    stop.abort(
      new Error(
        'The download was stopped; what has arrived is kept, and the same command continues it.',
      ),
    );
  process.once('SIGINT', interrupt);
  try {
    return await store.download(`${repo}@${revision}`, {
      precision,
      signal: stop.signal,
      onProgress: progressLine(repo),
    });
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/**
 * Remarks on stderr: a line that is written over on a terminal, else one every tenth of the way.
 */
function progressLine(repo: string): (progress: TransferProgress) => void {
  const terminal = process.stderr.isTTY;
  let noted: string | null = null;
  let tenth = -1;
  let last = -Infinity;
  return ({ state, file, done, total, note }) => {
    if (note !== null && note !== noted) remark(terminal ? `\r\x1b[K${note}` : note);
    noted = note;
    if (total === 0 || state === 'waiting') return;
    const share = done / total;
    const line = `${repo}: ${formatPercent(share)} of ${formatBytes(total)}${file === null ? '' : `, ${file}`}`;
    if (terminal && (performance.now() - last > 200 || done === total)) {
      last = performance.now();
      process.stderr.write(`\r\x1b[K${line}${done === total ? '\n' : ''}`);
    } else if (!terminal && Math.floor(share * 10) > tenth) {
      tenth = Math.floor(share * 10);
      remark(line);
    }
  };
}
