import { RESULT_WORDS, TOKEN_WORDS } from '../kernels/token-loss.ts';
import { recordForward } from './backward.ts';
import { ADAPTER_INDEX, type Score, type ScoreRequest } from './engine.ts';
import { NO_LOSS, type Head } from './head.ts';
import type { DeviceAdapter } from './lora.ts';
import { packBatches } from './packing.ts';
import type { Trainer } from './trainer.ts';
import type { Transformer } from './transformer.ts';

/** Log-probs (τ = 1), entropy and, where asked for, the k most likely tokens of each scored position. */
export async function scoreBatches(
  model: Transformer,
  head: Head,
  trainer: Trainer,
  requests: readonly ScoreRequest[],
  maxRows: number,
  adapters: readonly DeviceAdapter[],
): Promise<Score[]> {
  const items = requests.map((r, group) => ({ group, prompt: r.ids.slice(0, r.promptLength), completion: r.ids.slice(r.promptLength) }));
  const scores: Score[] = requests.map((r) => {
    const n = r.ids.length - r.promptLength;
    const score = { logprobs: new Float32Array(n), entropy: new Float32Array(n) };
    return r.top ? { ...score, top: Array.from({ length: n }, () => []) } : score;
  });
  const widest = adapters.reduce<DeviceAdapter | null>((best, a) => (best && best.layout.rank >= a.layout.rank ? best : a), null);
  for (const packed of packBatches(items, maxRows, 0)) {
    const ws = await trainer.workspace(Math.max(maxRows, packed.count), widest);
    const rows = packed.rows.slice();
    // Every row of an item carries the item's adapter; a row's item is found through its entries and segment.
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
    recordForward(model, ws, packed.count, adapters, false);
    const entries = packed.sources.length;
    const words = new Uint32Array(entries * TOKEN_WORDS);
    const floats = new Float32Array(words.buffer);
    for (let e = 0; e < entries; e++) {
      words[e * TOKEN_WORDS] = items[packed.items[e] ?? 0]?.completion[packed.positions[e] ?? 0] ?? 0;
      floats[e * TOKEN_WORDS + 1] = 1;
    }
    const top = requests.some((r) => r.top);
    if (top) {
      // The k best are picked on the host, chunk by chunk: nothing asks for them often.
      for (let first = 0; first < entries; first += head.chunk) {
        const count = Math.min(head.chunk, entries - first);
        const span = words.slice(first * TOKEN_WORDS, (first + count) * TOKEN_WORDS);
        head.record(ws, packed.count, span, packed.sources.slice(first, first + count), NO_LOSS, false);
        const vocab = model.config.vocabSize;
        const logits = await model.recorder.readF32({ ...head.logits, size: 4 * count * vocab });
        for (let i = 0; i < count; i++) {
          const e = first + i;
          const r = packed.items[e] ?? 0;
          const score = scores[r];
          if (score?.top) score.top[packed.positions[e] ?? 0] = largest(logits.subarray(i * vocab, (i + 1) * vocab), requests[r]?.top ?? 0);
        }
      }
    }
    head.record(ws, packed.count, words, packed.sources, NO_LOSS, false);
    const results = await head.results(entries);
    for (let e = 0; e < entries; e++) {
      const score = scores[packed.items[e] ?? 0];
      const position = packed.positions[e] ?? 0;
      if (!score) continue;
      score.logprobs[position] = results[e * RESULT_WORDS] ?? 0;
      score.entropy[position] = results[e * RESULT_WORDS + 1] ?? 0;
    }
  }
  return scores;
}

/** (id, log-prob) of the k largest logits, best first. */
function largest(logits: Float32Array, k: number): [number, number][] {
  const max = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const logsumexp = max + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - max), 0));
  const order = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  return order.slice(0, k).map((id) => [id, (logits[id] ?? 0) - logsumexp]);
}
