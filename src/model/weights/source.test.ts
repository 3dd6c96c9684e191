import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { parseModelConfig, type ModelConfig } from './config.ts';
import { writeSafetensors } from './safetensors.ts';
import { httpSource } from './http-source.ts';
import { openWeights, type FileSource } from './source.ts';

const config = (tied: boolean): ModelConfig =>
  parseModelConfig({
    model_type: 'llama',
    vocab_size: 5,
    hidden_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    intermediate_size: 12,
    max_position_embeddings: 16,
    tie_word_embeddings: tied,
  });

const layer: Record<string, number[]> = {
  'model.layers.0.input_layernorm.weight': [8],
  'model.layers.0.self_attn.q_proj.weight': [8, 8],
  'model.layers.0.self_attn.k_proj.weight': [4, 8],
  'model.layers.0.self_attn.v_proj.weight': [4, 8],
  'model.layers.0.self_attn.o_proj.weight': [8, 8],
  'model.layers.0.post_attention_layernorm.weight': [8],
  'model.layers.0.mlp.gate_proj.weight': [12, 8],
  'model.layers.0.mlp.up_proj.weight': [12, 8],
  'model.layers.0.mlp.down_proj.weight': [8, 12],
  'model.norm.weight': [8],
};

/** A safetensors file whose n-th tensor is filled with n. */
function weightsFile(shapes: Record<string, number[]>): Uint8Array {
  return writeSafetensors(
    Object.entries(shapes).map(([name, shape], n) => {
      const elements = shape.reduce((product, size) => product * size, 1);
      return [name, { shape, data: new Float32Array(elements).fill(n) }] as const;
    }),
  );
}

function memorySource(files: Record<string, Uint8Array | string>): FileSource {
  const get = (path: string) => {
    const file = files[path];
    return typeof file === 'string' ? new TextEncoder().encode(file) : (file ?? null);
  };
  return {
    label: 'the model',
    read: (path) => Promise.resolve(get(path)),
    size: (path) => Promise.resolve(get(path)?.length ?? null),
    readRange: (path, start, end) =>
      Promise.resolve((get(path) ?? new Uint8Array()).subarray(start, end)),
  };
}
const single = (shapes: Record<string, number[]>) =>
  memorySource({ 'model.safetensors': weightsFile(shapes) });

describe('openWeights', () => {
  test('reads a tensor raw and as f32', async () => {
    const weights = await openWeights(
      single({ ...layer, 'model.embed_tokens.weight': [5, 8], 'lm_head.weight': [5, 8] }),
      config(false),
    );
    expect(weights.tensor('model.layers.0.self_attn.k_proj.weight')).toEqual({
      dtype: 'f32',
      shape: [4, 8],
    });
    expect([...(await weights.readF32('model.norm.weight'))]).toEqual(Array(8).fill(9));
    const raw = await weights.read('model.norm.weight');
    expect([raw.byteOffset, raw.length, ...new Float32Array(raw.buffer)]).toEqual([
      0,
      32,
      ...Array<number>(8).fill(9),
    ]);
  });

  test('finds tensors stored without the model. prefix', async () => {
    const bare = Object.fromEntries(
      Object.entries(layer).map(([name, shape]) => [name.replace('model.', ''), shape]),
    );
    const weights = await openWeights(
      single({ ...bare, 'embed_tokens.weight': [5, 8] }),
      config(true),
    );
    expect(weights.has('model.embed_tokens.weight')).toBe(true);
    expect((await weights.readF32('model.layers.0.self_attn.q_proj.weight'))[0]).toBe(1);
  });

  test.each(['lm_head.weight', 'model.embed_tokens.weight'])(
    'a tied model may store %s alone',
    async (stored) => {
      const weights = await openWeights(single({ ...layer, [stored]: [5, 8] }), config(true));
      expect((await weights.readF32('model.embed_tokens.weight'))[0]).toBe(10);
      expect((await weights.readF32('lm_head.weight'))[0]).toBe(10);
    },
  );

  test('an untied model without its head is refused, naming the tensor', async () => {
    await expect(
      openWeights(single({ ...layer, 'model.embed_tokens.weight': [5, 8] }), config(false)),
    ).rejects.toThrow('no tensor lm_head.weight among its 11');
  });

  test('a shape that differs from config.json is refused with both shapes', async () => {
    const shapes = { ...layer, 'lm_head.weight': [5, 8], 'model.norm.weight': [4] };
    await expect(openWeights(single(shapes), config(true))).rejects.toThrow(
      'model.norm.weight has shape [4], config.json asks for [8]',
    );
  });

  test('a transposed matrix is called so', async () => {
    const shapes = {
      ...layer,
      'lm_head.weight': [5, 8],
      'model.layers.0.mlp.up_proj.weight': [8, 12],
    };
    await expect(openWeights(single(shapes), config(true))).rejects.toThrow('stored transposed');
  });

  test.each([
    [{ 'model.layers.0.self_attn.o_proj.bias': [8] }, 'o_proj.bias. By its config.json a model'],
    [{ 'model.layers.1.mlp.up_proj.weight': [12, 8] }, 'num_hidden_layers = 1'],
    [{ 'score.weight': [1, 8], other: [1] }, 'score.weight and 1 more'],
    [{ 'embed_tokens.weight': [5, 8] }, 'embed_tokens.weight'],
  ])('tensors that the model has no place for are refused: %j', async (extra, sentence) => {
    await expect(
      openWeights(
        single({ ...layer, 'model.embed_tokens.weight': [5, 8], ...extra }),
        config(true),
      ),
    ).rejects.toThrow(sentence);
  });

  test('frequencies that older files keep are passed over, and that is said', async () => {
    const extra = { 'model.layers.0.self_attn.rotary_emb.inv_freq': [2], 'lm_head.weight': [5, 8] };
    const weights = await openWeights(single({ ...layer, ...extra }), config(true));
    expect(weights.notices).toEqual([expect.stringContaining('rotary_emb.inv_freq, are passed')]);
    expect(weights.names).toHaveLength(11);
  });

  test("the index decides between a tensor and a shard's stale copy of it", async () => {
    const file = (value: number) =>
      writeSafetensors([['a', { shape: [1], data: Float32Array.of(value) }]]);
    const other = writeSafetensors([
      ['a', { shape: [1], data: Float32Array.of(2) }],
      ['b', { shape: [1], data: Float32Array.of(3) }],
    ]);
    const files = { '1.safetensors': file(1), '2.safetensors': other };
    const index = JSON.stringify({ weight_map: { a: '1.safetensors', b: '2.safetensors' } });
    const weights = await openWeights(
      memorySource({ ...files, 'model.safetensors.index.json': index }),
    );
    expect([...(await weights.readF32('a'))]).toEqual([1]);
    expect(weights.notices).toEqual([expect.stringContaining('2.safetensors holds a copy of a')]);
    await expect(
      openWeights(memorySource({ ...files, 'model.safetensors.index.json': index.slice(0, 20) })),
    ).rejects.toThrow('is cut off after 20 bytes');
  });

  const first = weightsFile({ 'model.norm.weight': [8] });
  const second = weightsFile({ other: [1], 'lm_head.weight': [5, 8] });
  const index = JSON.stringify({
    weight_map: { 'model.norm.weight': 'a.safetensors', 'lm_head.weight': 'b.safetensors' },
  });

  test('reads shards through their index', async () => {
    const weights = await openWeights(
      memorySource({
        'model.safetensors.index.json': index,
        'a.safetensors': first,
        'b.safetensors': second,
      }),
    );
    expect((await weights.readF32('model.norm.weight'))[0]).toBe(0);
    expect((await weights.readF32('lm_head.weight'))[0]).toBe(1);
  });

  test.each<[string, Record<string, Uint8Array | string>, string]>([
    [
      'a missing shard',
      { 'model.safetensors.index.json': index, 'a.safetensors': first },
      'the model lacks b.safetensors',
    ],
    [
      'a shard without a promised tensor',
      { 'model.safetensors.index.json': index, 'a.safetensors': second, 'b.safetensors': second },
      'a.safetensors lacks model.norm.weight',
    ],
    [
      'an index that points elsewhere',
      { 'model.safetensors.index.json': '{"weight_map":{"a":"../x"}}' },
      'not a file beside it',
    ],
    ['an index that is no index', { 'model.safetensors.index.json': '[1]' }, 'has no weight_map'],
    ['no weights at all', {}, 'neither model.safetensors nor model.safetensors.index.json'],
    [
      'a shard cut short',
      {
        'model.safetensors.index.json': index,
        'a.safetensors': first.subarray(0, first.length - 4),
        'b.safetensors': second,
      },
      'a.safetensors is cut short',
    ],
  ])('%s is refused', async (_, files, sentence) => {
    await expect(openWeights(memorySource(files))).rejects.toThrow(sentence);
  });
});

describe('file sources', () => {
  const small = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
  const big = new Uint8Array(17 * 2 ** 20);
  big.set(small, big.length - 1000);
  let folder = '';
  let server: Server;
  let base = '';
  const requests: { path: string; range: string | undefined }[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weights-'));
    await writeFile(join(folder, 'small.bin'), small);
    await writeFile(join(folder, 'big.bin'), big);
    await writeFile(join(folder, 'empty.bin'), '');
    server = createServer((request, response) => {
      const url = request.url ?? '';
      requests.push({ path: url, range: request.headers.range });
      const files: Record<string, Uint8Array> = {
        'small.bin': small,
        'big.bin': big,
        'empty.bin': new Uint8Array(),
      };
      const file = files[url.split('/').at(-1) ?? ''];
      if (url.startsWith('/broken/')) response.writeHead(503).end();
      else if (!file && url.startsWith('/spa/'))
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
      else if (!file) response.writeHead(404).end();
      else {
        const range = url.startsWith('/plain/')
          ? null
          : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
        const start = Number(range?.[1]);
        const end = Math.min(Number(range?.[2]) + 1, file.length);
        if (!range) response.writeHead(200).end(file);
        else if (start >= file.length)
          response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end();
        else
          response
            .writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${file.length}` })
            .end(file.subarray(start, end));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  test.each<[string, () => FileSource]>([
    ['a folder', () => folderSource(folder)],
    ['a server with ranges', () => httpSource(`${base}/ranges`)],
    ['a server without ranges', () => httpSource(`${base}/plain/`)],
    ['a development server', () => httpSource(`${base}/spa/`)],
  ])('%s: sizes, ranges, whole files and missing files', async (_, make) => {
    const source = make();
    expect(await source.size('small.bin')).toBe(1000);
    expect(await source.size('big.bin')).toBe(big.length);
    expect(await source.size('empty.bin')).toBe(0);
    expect(await source.size('absent.bin')).toBe(null);
    expect(await source.read('absent.bin')).toBe(null);
    expect([...((await source.read('small.bin')) ?? [])]).toEqual([...small]);
    expect([...(await source.readRange('small.bin', 3, 6))]).toEqual([3, 4, 5]);
    expect([...(await source.readRange('big.bin', big.length - 999, big.length - 996))]).toEqual([
      1, 2, 3,
    ]);
    expect((await source.readRange('big.bin', 5, 5)).length).toBe(0);
    await expect(source.readRange('small.bin', 990, 1001)).rejects.toThrow('ends at byte 1000');
  });

  test('a large file is never fetched whole where the server has ranges', async () => {
    requests.length = 0;
    const source = httpSource(`${base}/ranges/`);
    await source.readRange('big.bin', 10, 20);
    expect(requests.map((request) => request.range)).toEqual(['bytes=0-0', 'bytes=10-19']);
  });

  test('a small file is fetched whole once, however many ranges are read', async () => {
    requests.length = 0;
    const source = httpSource(`${base}/ranges/`);
    for (let i = 0; i < 5; i++) await source.readRange('small.bin', i, i + 2);
    expect(requests.map((request) => request.range)).toEqual(['bytes=0-0', undefined]);
  });

  test('a server error is a sentence with its status, and is asked again', async () => {
    const source = httpSource(`${base}/broken/`);
    await expect(source.size('small.bin')).rejects.toThrow('the server answered 503');
    requests.length = 0;
    await expect(source.size('small.bin')).rejects.toThrow('503');
    expect(requests.length).toBe(1);
  });
});

const models = join(import.meta.dirname, '../../../../shared/data/models');
describe.skipIf(!existsSync(models))('published models', () => {
  const json = async (source: FileSource, path: string): Promise<unknown> =>
    JSON.parse(new TextDecoder().decode((await source.read(path)) ?? new Uint8Array()));

  test('the tinystories model, which stores its tied embedding as lm_head alone, opens complete', async () => {
    const source = folderSource(join(models, 'tinystories-656k-llama'));
    const parsed = parseModelConfig(
      await json(source, 'config.json'),
      await json(source, 'generation_config.json'),
    );
    const weights = await openWeights(source, parsed);
    expect(weights.tensor('model.embed_tokens.weight')).toEqual({
      dtype: 'f32',
      shape: [2048, 128],
    });
    expect(parsed.eosIds).toEqual([2]);
  });

  test('the verl model opens, its bf16 weights decoded', async () => {
    const source = folderSource(join(models, 'verl-arithmetic-llama'));
    const weights = await openWeights(source, parseModelConfig(await json(source, 'config.json')));
    expect(weights.tensor('lm_head.weight').dtype).toBe('bf16');
    const values = await weights.readF32('model.layers.3.mlp.up_proj.weight');
    expect(values.length).toBe(344 * 128);
    const std = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    expect(std).toBeGreaterThan(0.015); // drawn with initializer_range 0.02
    expect(std).toBeLessThan(0.025);
  });

  test('a quantised Qwen3 model is refused by its config, its packed tensors by their type', async () => {
    const source = folderSource(join(models, 'mlxd-tiny-qwen3-sharded'));
    const qwen3 = await json(source, 'config.json');
    expect(() => parseModelConfig(qwen3)).toThrow(
      'quantization = {"bits":4,"group_size":32,"mode":"affine"}. Take the unquantised weights',
    );
    // What is refused is the packing alone.
    expect(parseModelConfig({ ...(qwen3 as object), quantization: null })).toMatchObject({
      architecture: 'qwen3',
      queryKeyNorm: true,
    });
    const weights = await openWeights(source);
    expect(weights.names.length).toBeGreaterThan(40);
    expect(() => weights.tensor('lm_head.weight')).toThrow('has type U32');
  });
});
if (!existsSync(models))
  console.warn('Skipped: the published models are not in ../shared/data/models.');
