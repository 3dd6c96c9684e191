import type { GpuEngine } from '../../model/gpu-engine.ts';
import { bytesPerPass, ceilings, tokenIds } from './bed.ts';
import { bothClocks, now, since, type Spent } from './clock.ts';
import { load, median, rounded, rounds, shares, type Section } from './section.ts';

const PROMPT = 64;
const LONGEST = 256;
/** Decode steps of a warm-up: from them the length of a measurement is chosen. */
const SHORTEST = 24;
/** What one measurement of a group may take, so that a slow device ends too. */
const SECONDS = 2;

interface Pass {
  readonly tokensPerSecond: Spent;
  /** A decode step: one token for each sequence of the group. */
  readonly dispatches: number;
  readonly submits: number;
}

type Variant = {
  readonly name: string;
  readonly samples: number;
  readonly adapter: 'none' | 'student';
};

export const decodeSection: Section = {
  name: 'decode',
  summary:
    'tokens a second at several group sizes, beside one sequence and the copy bandwidth of the same rounds',
  async run({ bed, groups, size, note }) {
    const engine = await bed.engine();
    const bytes = bytesPerPass(engine);
    const variants: Variant[] = groups.map((samples) => ({
      name: `${samples}`,
      samples,
      adapter: 'none',
    }));
    for (const samples of groups.filter((group) => group === 1 || group === 10))
      variants.push({ name: `${samples} with adapter`, samples, adapter: 'student' });
    const lengths = new Map<string, number>();
    for (const variant of variants) {
      await decode(engine, variant, SHORTEST); // pipelines and buffers
      const { tokensPerSecond } = await decode(engine, variant, SHORTEST);
      const steps = (SECONDS * size * tokensPerSecond.wall) / variant.samples;
      lengths.set(
        variant.name,
        Math.max(
          SHORTEST,
          Math.min(LONGEST, engine.maxContext - PROMPT, 8 * Math.floor(steps / 8)),
        ),
      );
    }
    const passes = new Map(variants.map(({ name }) => [name, [] as Pass[]]));
    const peaks: Awaited<ReturnType<typeof ceilings>>[] = [];
    for (let round = 0; round < rounds(size); round++) {
      peaks.push(await ceilings(engine.opened));
      for (const variant of variants)
        passes
          .get(variant.name)
          ?.push(await decode(engine, variant, lengths.get(variant.name) ?? SHORTEST));
    }
    const { software } = engine.opened;
    const one = passes.get(String(groups[0])) ?? [];
    const figures = variants.map(({ name, samples, adapter }) => {
      const own = passes.get(name) ?? [];
      const rate = median(own.map((pass) => pass.tokensPerSecond.wall));
      const ratios = own.map((pass, i) =>
        bothClocks(
          (clock) => pass.tokensPerSecond[clock] / (one[i]?.tokensPerSecond[clock] ?? NaN),
        ),
      );
      const ofCopy = own.map((pass, i) =>
        bothClocks(
          (clock) =>
            (bytes * pass.tokensPerSecond[clock]) /
            samples /
            (peaks[i]?.[clock].bytesPerSecond ?? NaN),
        ),
      );
      const { dispatches, submits } = own[own.length - 1] ?? { dispatches: NaN, submits: NaN };
      const middle = (rounds: readonly Spent[]) =>
        median(rounds.map((round) => round[software ? 'processor' : 'wall']));
      note(
        `${samples} sequence(s)${adapter === 'none' ? '' : ' with an adapter'}: ` +
          `${rounded(rate)} tokens/s, ${rounded(middle(ratios), 2)} times ` +
          `that of ${groups[0]}, weights read at ${rounded(100 * middle(ofCopy))} % of copy bandwidth`,
      );
      return {
        sequences: samples,
        adapter: adapter !== 'none',
        tokens_per_second: rounded(rate, 2),
        ...shares(`to_group_of_${groups[0]}`, ratios, software),
        ...shares('share_of_copy_bandwidth', ofCopy, software),
        steps: lengths.get(name),
        dispatches_per_step: rounded(dispatches, 1),
        dispatches_per_token: rounded(dispatches / samples, 2),
        submits_per_token: rounded(submits / samples, 3),
      };
    });
    return { load: load(), prompt_tokens: PROMPT, weight_bytes_per_step: bytes, groups: figures };
  },
};

/**
 * One group decoded without stop rules; the rate is that after the first block, which holds the
 * prompt's pass.
 */
async function decode(
  engine: GpuEngine,
  { samples, adapter }: Variant,
  tokens: number,
): Promise<Pass> {
  const { counts } = engine.opened.recorder;
  const marks: { tokens: number; at: Spent; dispatches: number; submits: number }[] = [];
  await engine.generate(
    [
      {
        prompt: tokenIds(engine.vocabSize, PROMPT, 0),
        samples,
        adapter,
        temperature: 1,
        topK: 0,
        topP: 1,
        seed: 1,
        stream: 0,
        maxTokens: tokens,
        stopIds: [],
      },
    ],
    { onTokens: (generated) => marks.push({ tokens: generated, at: now(), ...counts }) },
  );
  const [first, last] = [marks[0], marks[marks.length - 1]];
  if (!first || !last || last.tokens === first.tokens)
    throw new Error(`Decoding ${tokens} tokens reported no progress after the first.`);
  const generated = last.tokens - first.tokens;
  const steps = generated / samples;
  const spent = since(first.at, last.at);
  return {
    tokensPerSecond: bothClocks((clock) => generated / spent[clock]),
    dispatches: (last.dispatches - first.dispatches) / steps,
    submits: (last.submits - first.submits) / steps,
  };
}
