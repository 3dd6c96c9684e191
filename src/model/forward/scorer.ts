import { withAdapters } from '../../kernels/rows.ts';
import type { LossToken } from '../../kernels/token-loss-terms.ts';
import { packTokens, PLAIN_TOKEN, resultAt } from '../../kernels/token-loss.ts';
import { elementAt } from '../../lib/defined.ts';
import { topK } from '../../lib/top-k.ts';
import { ADAPTER_INDEX, type AdapterName } from '../weights/adapter.ts';
import type { DeviceAdapter } from '../weights/lora.ts';
import { NO_LOSS, type Head } from './head.ts';
import { packBatches, type Packed } from './packing.ts';
import { recordForward, type SequenceWorkspaces } from './sequence-pass.ts';
import type { Transformer } from './transformer.ts';
import type { SequenceWorkspace } from './workspace.ts';

export interface ScoreRequest {
  readonly ids: readonly number[];
  /** Positions >= promptLength are scored; at least 1. */
  readonly promptLength: number;
  readonly adapter: AdapterName;
  /** τ of all figures (1). */
  readonly temperature?: number;
  /** k most likely (id, logprob) per position; 0 or absent: none. */
  readonly top?: number;
}

export interface Score {
  readonly logprobs: Float32Array;
  readonly entropy: Float32Array;
  readonly top?: [id: number, logprob: number][][];
}

/**
 * Log-probs at each request's temperature, entropy and, where asked for, the k most likely tokens
 * of each scored position, in the order of the requests. Batches hold at most `maxRows` rows;
 * `adapters` are those that any request names.
 */
export async function scoreBatches(
  model: Transformer,
  head: Head,
  workspaces: SequenceWorkspaces,
  requests: readonly ScoreRequest[],
  maxRows: number,
  adapters: readonly DeviceAdapter[],
): Promise<Score[]> {
  const items = requests.map((r, group) => ({
    group,
    prompt: r.ids.slice(0, r.promptLength),
    completion: r.ids.slice(r.promptLength),
  }));
  const scores: Score[] = requests.map((r) => {
    const n = r.ids.length - r.promptLength;
    const score = { logprobs: new Float32Array(n), entropy: new Float32Array(n) };
    return r.top ? { ...score, top: Array.from({ length: n }, () => []) } : score;
  });
  const widest = adapters.reduce<DeviceAdapter | null>(
    (best, a) => (best && best.layout.rank >= a.layout.rank ? best : a),
    null,
  );
  for (const packed of packBatches(items, maxRows, 0)) {
    const ws = await workspaces.forForward(Math.max(maxRows, packed.count), widest);
    const names = rowAdapters(packed, requests);
    const rows = withAdapters(packed.rows, (row) => ADAPTER_INDEX[elementAt(names, row)]);
    workspaces.upload(ws, { ...packed, rows });
    recordForward(model, ws, packed.count, adapters, null);
    await readScores(model, head, ws, packed, requests, scores);
  }
  return scores;
}

/**
 * The adapter of each row. Requests share no prompt, so one's rows stand together, in the order of
 * its entries.
 */
function rowAdapters(packed: Packed, requests: readonly ScoreRequest[]): AdapterName[] {
  return [...new Set(packed.items)].flatMap((item) => {
    const { ids, adapter } = elementAt(requests, item);
    return Array.from({ length: ids.length - 1 }, () => adapter);
  });
}

/** Runs the head over a batch's entries and puts what it finds into `scores`. */
async function readScores(
  model: Transformer,
  head: Head,
  ws: SequenceWorkspace,
  packed: Packed,
  requests: readonly ScoreRequest[],
  scores: readonly Score[],
): Promise<void> {
  const { vocabSize } = model.config;
  const entries = packed.sources.length;
  const tokens = Array.from(packed.items, (item, e): LossToken => {
    const { ids, promptLength, temperature } = elementAt(requests, item);
    const id = elementAt(ids, promptLength + elementAt(packed.positions, e));
    return { ...PLAIN_TOKEN, id, tau: temperature ?? 1 };
  });
  // The k best are picked on the host, so the logits of each chunk are read; without them nothing
  // is.
  const top = requests.some((r) => r.top);
  const span = top ? head.chunk : entries;
  for (let first = 0; first < entries; first += span) {
    const count = Math.min(span, entries - first);
    head.record(
      ws.x,
      packTokens(tokens.slice(first, first + count)),
      packed.sources.subarray(first, first + count),
      NO_LOSS,
      null,
    );
    const results = await head.results(count);
    const logits = top
      ? await model.recorder.readF32({ ...head.logits, size: 4 * count * vocabSize })
      : null;
    for (let i = 0; i < count; i++) {
      const item = elementAt(packed.items, first + i);
      const position = elementAt(packed.positions, first + i);
      const [request, score] = [elementAt(requests, item), elementAt(scores, item)];
      const { logprob, entropy } = resultAt(results, i);
      score.logprobs[position] = logprob;
      score.entropy[position] = entropy;
      if (!logits || !score.top || !request.top) continue;
      const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
      const { id, tau } = elementAt(tokens, first + i);
      const logsumexp = elementAt(row, id) / tau - logprob;
      score.top[position] = topK(row, request.top).map((id) => [
        id,
        elementAt(row, id) / tau - logsumexp,
      ]);
    }
  }
}
