import type { OptimizerOptions, LossOptions, TrainSequence } from '../../model/engine.ts';
import { ceilings, LORA, tokenIds } from './bed.ts';
import { groupWork, trainFlops } from './flops.ts';
import { bothClocks, timed, type Spent } from './clock.ts';
import { load, median, rounded, rounds, shares, type Section } from './section.ts';

/** The loss and optimiser of a GRPO step as the presets have them. */
export const PG: LossOptions = {
  kind: 'pg',
  aggregation: 'dapo',
  epsLow: 0.2,
  epsHigh: 0.28,
  beta: 0,
  correctionCap: 2,
  maxTokens: 512,
};
export const ADAMW: OptimizerOptions = {
  learningRate: 1e-5,
  clipNorm: 1,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
};

export const trainSection: Section = {
  name: 'train',
  summary: 'tokens a second of an optimiser step, beside the f32 product of the same rounds',
  async run({ bed, size, note }) {
    const engine = await bed.engine();
    const { software } = engine.opened;
    // One micro-batch, so that its size does not matter: the rest is more of the same.
    const prompt = software ? 64 : 128;
    const completion = software ? 64 : 96;
    const samples = Math.max(
      1,
      Math.min(
        Math.round((software ? 4 : 8) * size),
        Math.floor((engine.microBatchRows - prompt) / (completion - 1)),
      ),
    );
    const work = groupWork(prompt, completion, samples);
    const sequences = group(engine.vocabSize, prompt, completion, samples);
    const step = () =>
      engine.trainStep({
        adapter: 'student',
        sequences,
        loss: PG,
        optimizer: ADAMW,
        reference: false,
      });
    await step();
    const flops = trainFlops(engine.config, work, LORA.rank);
    const rates: number[] = [];
    const useful: Spent[] = [];
    const computed: Spent[] = [];
    const { counts } = engine.opened.recorder;
    let dispatches = 0;
    for (let round = 0; round < rounds(size); round++) {
      const peak = await ceilings(engine.opened);
      const before = counts.dispatches;
      const { spent } = await timed(step);
      dispatches = counts.dispatches - before;
      rates.push(work.rows / spent.wall);
      const share = (done: number) =>
        bothClocks((clock) => done / spent[clock] / peak[clock].flopsPerSecond);
      useful.push(share(flops.useful));
      computed.push(share(flops.computed));
    }
    const percent = (of: readonly Spent[]) =>
      rounded(100 * median(of.map((round) => round[software ? 'processor' : 'wall'])));
    note(
      `${rounded(median(rates))} tokens/s, ${percent(useful)} % of the f32 product ` +
        `(${percent(computed)} % with what is computed twice)`,
    );
    return {
      load: load(),
      sequences: samples,
      prompt_tokens: prompt,
      completion_tokens: completion,
      rows: work.rows,
      flops: {
        ...flops,
        count:
          'useful: forward, gradients of inputs and of LoRA pairs, head and its gradient; ' +
          'frozen weights get none. computed: also ' +
          "each layer's forward again in the backward pass and attention's scores in its backward kernels",
      },
      tokens_per_second: rounded(median(rates), 2),
      ...shares('share_of_product', useful, software),
      ...shares('share_of_product_computed', computed, software),
      dispatches,
    };
  },
};

/** A group of completions after one prompt, with advantages of both signs. */
export function group(
  vocab: number,
  prompt: number,
  completion: number,
  samples: number,
): TrainSequence[] {
  const ids = tokenIds(vocab, prompt, 0);
  return Array.from({ length: samples }, (_, i) => ({
    group: 0,
    prompt: ids,
    completion: tokenIds(vocab, completion, i + 1),
    temperature: 1,
    advantage: i % 2 === 0 ? 1 : -1,
  }));
}
