import { topK } from '../../lib/top-k.ts';
import { RESULT_WORDS, TOKEN_WORDS } from '../../kernels/token-loss.ts';
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
    const rows = packed.rows.slice();
    // Every row of an item carries the item's adapter; a row's item is found through its entries
    // and segment.
    let item = 0;
    for (let row = 0, left = 0; row < packed.count; row++) {
      if (left === 0) {
        item = packed.items[packed.spans[2 * row] ?? 0] ?? 0;
        left = (requests[item]?.ids.length ?? 1) - 1;
      }
      rows[8 * row + 7] = ADAPTER_INDEX[requests[item]?.adapter ?? 'none'];
      left -= 1;
    }
    trainer.upload(ws, { ...packed, rows });
    recordForward(model, ws, packed.count, adapters, null);
    const entries = packed.sources.length;
    const words = new Uint32Array(entries * TOKEN_WORDS);
    const floats = new Float32Array(words.buffer);
    for (let e = 0; e < entries; e++) {
      const item = packed.items[e] ?? 0;
      words[e * TOKEN_WORDS] = items[item]?.completion[packed.positions[e] ?? 0] ?? 0;
      floats[e * TOKEN_WORDS + 1] = requests[item]?.temperature ?? 1;
    }
    // The k best are picked on the host, so the logits of each chunk are read; without them nothing
    // is.
    const top = requests.some((r) => r.top);
    const span = top ? head.chunk : entries;
    for (let first = 0; first < entries; first += span) {
      const count = Math.min(span, entries - first);
      head.record(
        ws.x,
        words.subarray(first * TOKEN_WORDS, (first + count) * TOKEN_WORDS),
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
        const [logprob = 0, entropy = 0] = results.subarray(i * RESULT_WORDS);
        score.logprobs[position] = logprob;
        score.entropy[position] = entropy;
        if (!logits || !score.top || !request.top) continue;
        const row = logits.subarray(i * vocab, (i + 1) * vocab);
        const tau = request.temperature ?? 1;
        const logsumexp = (row[words[(first + i) * TOKEN_WORDS] ?? 0] ?? 0) / tau - logprob;
        score.top[position] = topK(row, request.top).map((id) => [
          id,
          (row[id] ?? 0) / tau - logsumexp,
        ]);
      }
    }
  }
  return scores;
}
