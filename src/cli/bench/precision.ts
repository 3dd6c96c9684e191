import { nodeGpu } from '../../gpu/node-gpu.ts';
import { openEngine, type GpuEngine } from '../../model/gpu-engine.ts';
import type { WeightPrecision } from '../../model/weights/format.ts';
import type { FileSource } from '../../model/weights/source.ts';
import { rounded, type Section } from './section.ts';

/** Whole distributions are compared on the host: beyond this vocabulary they are too many. */
const MOST_WORDS = 16_384;
const SAMPLES = 8;
const TOKENS = 128;

export const precisionSection: Section = {
  name: 'precision',
  summary:
    'what f16, q8 and q4 weights change: KL from the f32 model, position by position of texts ' +
    'it sampled itself at T = 1',
  async run({ bed, size, note }) {
    bed.close();
    const text = await withEngine(bed.source, 'f32', (engine) =>
      sample(engine, Math.max(1, Math.round(SAMPLES * size))),
    );
    if (!text) return { skipped: `the vocabulary is beyond ${MOST_WORDS}` };
    const exact = await withEngine(bed.source, 'f32', (engine) => distributions(engine, text));
    const figures: Record<string, unknown> = { texts: text.length, tokens: TOKENS };
    for (const precision of ['f16', 'q8', 'q4'] as const) {
      const kept = await withEngine(bed.source, precision, (engine) => distributions(engine, text));
      const kls = exact.map((row, i) => divergence(row, kept[i] ?? new Float32Array()));
      const same = exact.filter(
        (row, i) => argmax(row) === argmax(kept[i] ?? new Float32Array()),
      ).length;
      const mean = kls.reduce((sum, kl) => sum + kl, 0) / kls.length;
      note(
        `${precision}: mean KL ${mean.toExponential(2)} nats over ${kls.length} positions, ` +
          `same most likely token at ${same}`,
      );
      figures[precision] = {
        positions: kls.length,
        kl_mean_nats: Number(mean.toPrecision(3)),
        kl_max_nats: Number(Math.max(...kls).toPrecision(3)),
        same_most_likely: rounded(same / kls.length, 4),
      };
    }
    return figures;
  },
};

async function withEngine<T>(
  source: FileSource,
  weights: WeightPrecision,
  use: (engine: GpuEngine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine({ gpu: nodeGpu(), source, weights });
  try {
    return await use(engine);
  } finally {
    engine.destroy();
  }
}

/**
 * Texts from nothing: token ids, the first being what begins a text. Null where the vocabulary is
 * too large.
 */
async function sample(engine: GpuEngine, samples: number): Promise<number[][] | null> {
  const { config } = engine;
  if (config.vocabSize > MOST_WORDS) return null;
  const prompt = [config.bosId ?? config.eosIds[0] ?? 0];
  const completions = await engine.generate([
    {
      prompt,
      samples,
      adapter: 'none',
      temperature: 1,
      topK: 0,
      topP: 1,
      seed: 1,
      stream: 0,
      maxTokens: TOKENS,
      stopIds: [],
    },
  ]);
  return completions.sort((a, b) => a.sample - b.sample).map(({ ids }) => [...prompt, ...ids]);
}

/** Log-probs of the whole vocabulary at every position. */
async function distributions(
  engine: GpuEngine,
  texts: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (const ids of texts) {
    const [score] = await engine.score([
      { ids, promptLength: 1, adapter: 'none', top: engine.vocabSize },
    ]);
    for (const top of score?.top ?? []) {
      const row = new Float32Array(engine.vocabSize);
      for (const [id, logprob] of top) row[id] = logprob;
      rows.push(row);
    }
  }
  return rows;
}

/** KL(p ‖ q) in nats of log-probs. */
function divergence(p: Float32Array, q: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += Math.exp(p[i]!) * (p[i]! - (q[i] ?? NaN));
  return sum;
}

function argmax(row: Float32Array): number {
  return row.reduce((best, value, i) => (value > (row[best] ?? -Infinity) ? i : best), 0);
}
