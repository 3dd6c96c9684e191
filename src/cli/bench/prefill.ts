import type { GpuEngine } from '../../model/gpu-engine.ts';
import { ceilings, tokenIds } from './bed.ts';
import { groupWork, layersFlops } from './flops.ts';
import { bothClocks, now, since, type Spent } from './clock.ts';
import { load, median, rounded, rounds, shares, type Section } from './section.ts';

export const prefillSection: Section = {
  name: 'prefill',
  summary: 'prompt tokens a second, beside the f32 product of the same rounds',
  async run({ bed, size, note }) {
    const engine = await bed.engine();
    const { software } = engine.opened;
    const length = Math.min(1 + (software ? 128 : 512), engine.maxContext - 8);
    const prompts = Math.max(1, Math.round((software ? 2 : 8) * size));
    // the last token of a prompt is the first input of decoding
    const rows = prompts * (length - 1);
    const flops = prompts * layersFlops(engine.config, groupWork(length - 1, 1, 1));
    await time(engine, prompts, length);
    await time(engine, prompts, 1);
    const rates: number[] = [];
    const ofProduct: Spent[] = [];
    for (let round = 0; round < rounds(size); round++) {
      const peak = await ceilings(engine.opened);
      const spent = since(await time(engine, prompts, 1), await time(engine, prompts, length));
      rates.push(rows / spent.wall);
      ofProduct.push(bothClocks((clock) => flops / spent[clock] / peak[clock].flopsPerSecond));
    }
    const share = median(ofProduct.map((round) => round[software ? 'processor' : 'wall']));
    note(`${rounded(median(rates))} tokens/s, ${rounded(100 * share)} % of the f32 product`);
    return {
      load: load(),
      prompts: `${prompts} of ${length - 1} tokens; the time of the same requests with one token each is taken off`,
      tokens_per_second: rounded(median(rates), 2),
      ...shares('share_of_product', ofProduct, software),
    };
  },
};

/** What it takes until each of `prompts` prompts of `length` tokens has its first new token. */
async function time(engine: GpuEngine, prompts: number, length: number): Promise<Spent> {
  const begin = now();
  await engine.generate(
    Array.from({ length: prompts }, (_, i) => ({
      prompt: tokenIds(engine.vocabSize, length, i),
      samples: 1,
      adapter: 'none' as const,
      temperature: 1,
      topK: 0,
      topP: 1,
      seed: 1,
      stream: i,
      maxTokens: 1,
      stopIds: [],
    })),
  );
  return since(begin);
}
