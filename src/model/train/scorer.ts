import { topK } from '../../lib/top-k.ts';
import { SPAN } from '../../kernels/gather-rows.ts';
import { withAdapters } from '../../kernels/rows.ts';
import { packTokens, PLAIN_TOKEN, resultAt, type LossToken } from '../../kernels/token-loss.ts';
import { recordForward } from './backward.ts';
import { ADAPTER_INDEX, type Score, type ScoreRequest } from '../engine.ts';
import { NO_LOSS, type Head } from '../forward/head.ts';
import type { DeviceAdapter } from '../weights/lora.ts';
import { packBatches } from '../forward/packing.ts';
import type { Trainer } from './trainer.ts';
import type { Transformer } from '../forward/transformer.ts';

/**
 * Log-probs at each request's temperature, entropy and, where asked for, the k most likely tokens
 * of each scored position.
 */
export async function scoreBatches(
  model: Transformer,
  head: Head,
  trainer: Trainer,
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
    const ws = await trainer.forwardWorkspace(Math.max(maxRows, packed.count), widest);
    // Every row of an item carries the item's adapter; a row's item is found through its entries
    // and segment.
    let item = 0;
    let left = 0;
    const rows = withAdapters(packed.rows, (row) => {
      if (left === 0) {
        item = packed.items[SPAN.read(packed.spans, row).start] ?? 0;
        left = (requests[item]?.ids.length ?? 1) - 1;
      }
      left -= 1;
      return ADAPTER_INDEX[requests[item]?.adapter ?? 'none'];
    });
    trainer.upload(ws, { ...packed, rows });
    recordForward(model, ws, packed.count, adapters, null);
    const entries = packed.sources.length;
    const tokens = Array.from(packed.items, (item, e): LossToken => {
      const id = items[item]?.completion[packed.positions[e] ?? 0];
      if (id === undefined) throw new Error(`Entry ${e} of a batch is no token of item ${item}.`);
      return { ...PLAIN_TOKEN, id, tau: requests[item]?.temperature ?? 1 };
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
      const vocab = model.config.vocabSize;
      const logits = top
        ? await model.recorder.readF32({ ...head.logits, size: 4 * count * vocab })
        : null;
      for (let i = 0; i < count; i++) {
        const request = requests[packed.items[first + i] ?? 0];
        const score = scores[packed.items[first + i] ?? 0];
        const position = packed.positions[first + i] ?? 0;
        if (!request || !score) continue;
        const { logprob, entropy } = resultAt(results, i);
        score.logprobs[position] = logprob;
        score.entropy[position] = entropy;
        if (!logits || !score.top || !request.top) continue;
        const row = logits.subarray(i * vocab, (i + 1) * vocab);
        const tau = request.temperature ?? 1;
        const logsumexp = (row[tokens[first + i]?.id ?? 0] ?? 0) / tau - logprob;
        score.top[position] = topK(row, request.top).map((id) => [
          id,
          (row[id] ?? 0) / tau - logsumexp,
        ]);
      }
    }
  }
  return scores;
}
