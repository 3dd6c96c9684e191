import { expect, it } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { nodeGpu } from '../../gpu/node-gpu.ts';
import type { Completion } from '../engine.ts';
import { loadFixture, type FixtureName } from '../fixtures/load.ts';
import { openEngine, type GpuEngine } from '../gpu-engine.ts';
import { largestDifference } from '../testing/differences.ts';
import { forcedVariants } from '../testing/variants.ts';

const ADAPTERS = ['none', 'student'] as const;
/** Decode steps of a block. */
const STEPS = 8;

/**
 * A block of steps without a prompt's pass (its prompt is one token), and the dispatches of a step.
 */
async function block(
  engine: GpuEngine,
  adapter: (typeof ADAPTERS)[number],
): Promise<{ completions: Completion[]; dispatches: number }> {
  const { counts } = engine.opened.recorder;
  const before = counts.dispatches;
  const completions = await engine.generate([
    {
      prompt: [5],
      samples: 5,
      adapter,
      temperature: 1,
      topK: 0,
      topP: 1,
      seed: 7,
      stream: 0,
      maxTokens: STEPS,
      stopIds: [],
    },
  ]);
  return { completions, dispatches: (counts.dispatches - before) / STEPS };
}

/**
 * The layers' dispatches, LoRA's four products a layer, and the step's own: embedding, norm, head,
 * sampling.
 */
it.each<[FixtureName, 'f32' | 'q4', layer: number]>([
  ['qwen2-tiny', 'f32', 9],
  ['qwen3-tiny', 'f32', 10],
  ['llama-tiny', 'q4', 9],
])(
  '%s at %s decodes with six dispatches a layer in place of %s, to the same tokens and log-probs',
  async (name, weights, layer) => {
    const fixture = await loadFixture(name);
    const engine = await openEngine({
      gpu: nodeGpu(),
      source: folderSource(fixture.folder),
      weights,
    });
    engine.loadAdapter('student', fixture.adapter.config, fixture.adapter.tensors);
    const { layers } = engine.config;
    for (const adapter of ADAPTERS) {
      const lora = adapter === 'none' ? 0 : 4;
      engine.variants = {};
      const plain = await block(engine, adapter);
      expect(plain.dispatches).toBe(layers * (layer + lora) + 4);
      engine.variants = forcedVariants('group 4', 'decode', 'rope');
      const fused = await block(engine, adapter);
      expect(fused.dispatches).toBe(layers * (6 + lora) + 3);
      expect(fused.completions.map((c) => c.ids)).toEqual(plain.completions.map((c) => c.ids));
      fused.completions.forEach((c, i) =>
        expect(largestDifference(c.logprobs, plain.completions[i]?.logprobs ?? [])).toBeLessThan(
          1e-5,
        ),
      );
    }
    engine.destroy();
  },
);
