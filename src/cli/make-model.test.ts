import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelConfig } from '../model/gpu-engine.ts';
import { modelTensors } from '../model/weights/config.ts';
import { openWeights } from '../model/weights/source.ts';
import { folderSource } from '../storage/node/folder-source.ts';
import { afterthought } from './testing/afterthought.ts';

const scratch = mkdtempSync(join(tmpdir(), 'make-model-'));
const shape = join(scratch, 'shape.json');
writeFileSync(
  shape,
  JSON.stringify({
    model_type: 'qwen2',
    vocab_size: 4099,
    hidden_size: 60,
    intermediate_size: 92,
    num_hidden_layers: 2,
    num_attention_heads: 5,
    num_key_value_heads: 1,
    max_position_embeddings: 256,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    tie_word_embeddings: false,
    eos_token_id: 7,
  }),
);
const make = (out: string, ...flags: string[]) =>
  afterthought(['make-model', '--shape', shape, '--out', join(scratch, out), ...flags]);
const bytesOf = (out: string) =>
  Object.fromEntries(
    readdirSync(join(scratch, out)).map((name) => [
      name,
      readFileSync(join(scratch, out, name)).toString('base64'),
    ]),
  );

describe('make-model', { timeout: 180_000 }, () => {
  it('writes a model that loads, in shards with an index, the same for the same seed', async () => {
    const made = await make('first', '--seed', '3', '--shard-mb', '1', '--json');
    expect(made.stderr).toBe('');
    expect(JSON.parse(made.stdout)).toMatchObject({ files: 2 });
    const source = folderSource(join(scratch, 'first'));
    const config = await readModelConfig(source);
    const weights = await openWeights(source, config);
    expect(weights.names).toHaveLength(modelTensors(config).length);
    expect(weights.tensor('lm_head.weight').dtype).toBe('bf16');
    const norm = await weights.readF32('model.norm.weight');
    expect(norm.reduce((sum, x) => sum + x, 0) / norm.length).toBeCloseTo(1, 1);

    await make('second', '--seed', '3', '--shard-mb', '1');
    await make('other', '--seed', '4', '--shard-mb', '1');
    expect(bytesOf('second')).toEqual(bytesOf('first'));
    expect(bytesOf('other')['model-00002-of-00002.safetensors']).not.toBe(
      bytesOf('first')['model-00002-of-00002.safetensors'],
    );

    const again = await make('first');
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/holds a model already/);
  });

  it(
    'makes a folder without a tokenizer that scores, generates and trains on ids, and says ' +
      'where text is needed',
    async () => {
      await make('ids', '--dtype', 'f16');
      const model = ['--model', join(scratch, 'ids')];
      const ids = [5, 900, 17, 4098, 3, 256];
      const scored = await afterthought(
        ['score', ...model],
        JSON.stringify({ ids, prompt_len: 1 }),
      );
      expect(scored.code).toBe(0);
      const { logprobs, entropy } = JSON.parse(scored.stdout) as {
        logprobs: number[];
        entropy: number[];
      };
      // Neither flat (log 4099 = 8.3 everywhere) nor certain.
      expect(Math.max(...logprobs) - Math.min(...logprobs)).toBeGreaterThan(0.5);
      for (const value of entropy) {
        expect(value).toBeGreaterThan(2);
        expect(value).toBeLessThan(8);
      }

      const prompts = join(scratch, 'prompts.jsonl');
      writeFileSync(prompts, JSON.stringify({ id: 'p', ids }));
      const generated = await afterthought([
        'generate',
        ...model,
        '--prompts',
        prompts,
        '--max-tokens',
        '3',
      ]);
      expect(JSON.parse(generated.stdout)).toMatchObject({ id: 'p', text: null });
      writeFileSync(prompts, JSON.stringify({ id: 'p', prompt: 'def f' }));
      const text = await afterthought(['generate', ...model, '--prompts', prompts]);
      expect(text.stderr).toMatch(
        /line 1, is text, and the model's folder has no tokenizer\.json; give "ids"/,
      );

      const batch = join(scratch, 'batch.jsonl');
      writeFileSync(batch, JSON.stringify({ ids, prompt_len: 2 }));
      const trained = await afterthought([
        'train',
        ...model,
        '--loss',
        'nll',
        '--data',
        batch,
        '--rank',
        '4',
        '--out',
        join(scratch, 'adapter'),
        '--json',
      ]);
      expect(trained.code).toBe(0);
      expect((JSON.parse(trained.stdout) as { grad_norm: number }).grad_norm).toBeGreaterThan(0.01);
    },
  );

  it("takes another model's tokenizer along where its ids fit, and refuses it where they do not", async () => {
    const nano = resolve('public/models/nano');
    await make('text', '--tokenizer', nano);
    const prompts = join(scratch, 'text.jsonl');
    writeFileSync(prompts, JSON.stringify({ id: 1, prompt: 'def f' }));
    const { stdout } = await afterthought([
      'generate',
      '--model',
      join(scratch, 'text'),
      '--prompts',
      prompts,
      '--max-tokens',
      '2',
    ]);
    expect(typeof (JSON.parse(stdout) as { text: unknown }).text).toBe('string');

    const small = join(scratch, 'small.json');
    writeFileSync(
      small,
      JSON.stringify({ ...(JSON.parse(readFileSync(shape, 'utf8')) as object), vocab_size: 100 }),
    );
    const refused = await afterthought([
      'make-model',
      '--shape',
      small,
      '--tokenizer',
      nano,
      '--out',
      join(scratch, 'refused'),
    ]);
    expect(refused.stderr).toMatch(/wrong tokenizer: it knows [\d,]+ tokens, the model 100/);
    expect(existsSync(join(scratch, 'refused'))).toBe(false);
  });

  it.each([
    [
      'a shape that does not exist',
      'qwen9',
      2,
      /--shape takes .*qwen2\.5-coder-1\.5b, .* or a config\.json; `qwen9` is neither/,
    ],
    [
      'a file that is no configuration',
      resolve('package.json'),
      1,
      /config\.json cannot be used: model_type/,
    ],
  ])('answers %s with one sentence', async (_, name, code, sentence) => {
    const result = await afterthought([
      'make-model',
      '--shape',
      name,
      '--out',
      join(scratch, 'none'),
    ]);
    expect(result.stderr).toMatch(sentence);
    expect(result.code).toBe(code);
  });
});
