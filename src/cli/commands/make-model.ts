import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { formatBytes, formatCount, formatSeconds } from '../../lib/format.ts';
import { parseModelConfig, modelTensors } from '../../model/weights/config.ts';
import { randomSpread, randomTensor } from '../../model/weights/random.ts';
import { safetensorsHeader } from '../../model/weights/safetensors.ts';
import { elements, SHAPE_NAMES, SHAPES, type ShapeName } from '../../model/weights/shapes.ts';
import { TEXT_FILES } from '../../model/text/files.ts';
import { loadTokenizer } from '../../model/text/tokenizer.ts';
import { parseFlags, UsageError, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { folderSource } from '../../storage/node/folder-source.ts';
import { outFolder, print, readText, remark } from '../io.ts';

const FLAGS = {
  shape: {
    kind: 'text',
    required: true,
    value: 'NAME|FILE',
    help: `${SHAPE_NAMES.join(', ')}, or any supported config.json`,
  },
  seed: {
    kind: 'integer',
    min: 0,
    max: 2 ** 32 - 1,
    fallback: 1,
    help: 'the weights are a function of shape, type and seed',
  },
  dtype: {
    kind: 'text',
    choices: ['bf16', 'f16', 'f32'],
    fallback: 'bf16',
    help: 'type of the stored weights',
  },
  tokenizer: {
    kind: 'text',
    value: 'DIR',
    help: 'copy tokenizer and chat template from here; without one the model knows ids, no text',
  },
  'shard-mb': { kind: 'integer', min: 1, fallback: 2000, help: 'most megabytes of tensors a file' },
  out: { kind: 'text', required: true, value: 'DIR', help: 'the model folder' },
  json: { kind: 'flag', help: 'print {"parameters", "bytes", "files", "seconds"}' },
} as const satisfies Record<string, OptionSpec>;

const TYPES = {
  bf16: { stored: 'BF16', torch: 'bfloat16', bytes: 2 },
  f16: { stored: 'F16', torch: 'float16', bytes: 2 },
  f32: { stored: 'F32', torch: 'float32', bytes: 4 },
} as const;

export const makeModel: Command = {
  name: 'make-model',
  summary: 'a model of a true shape with random weights, for tests and measurements',
  flags: FLAGS,
  async run(argv) {
    const flags = parseFlags(FLAGS, argv);
    const started = performance.now();
    const { dtype } = flags;
    const type = TYPES[dtype];
    const json = await shapeOf(flags.shape);
    const config = parseModelConfig(json);
    const out = resolve(flags.out);
    if (await exists(join(out, 'config.json')))
      throw new Error(`${out} holds a model already; choose another --out, or delete it.`);
    const tokenizer = flags.tokenizer === undefined ? null : folderSource(resolve(flags.tokenizer));
    if (tokenizer) await loadTokenizer(tokenizer, config);
    await outFolder(out);

    const shards = intoShards(modelTensors(config), type.bytes, flags['shard-mb'] * 1e6);
    const files = shards.map((_, i) =>
      shards.length === 1 ? 'model.safetensors' : shardName(i, shards.length),
    );
    let bytes = 0;
    for (const [i, tensors] of shards.entries()) {
      const file = await open(join(out, files[i]!), 'w');
      try {
        await file.writeFile(
          safetensorsHeader(
            tensors.map(({ name, shape }) => [name, { dtype: type.stored, shape }]),
          ),
        );
        for (const { name, shape } of tensors) {
          for (const piece of randomTensor(
            flags.seed,
            name,
            elements(shape),
            randomSpread(config, name),
            dtype,
          )) {
            await file.writeFile(piece);
            bytes += piece.length;
          }
        }
      } finally {
        await file.close();
      }
    }
    if (shards.length > 1) {
      const weightMap: Record<string, string> = {};
      for (const [i, tensors] of shards.entries())
        for (const { name } of tensors) weightMap[name] = files[i]!;
      await writeJson(join(out, 'model.safetensors.index.json'), {
        metadata: { total_size: bytes },
        weight_map: weightMap,
      });
    }
    for (const name of TEXT_FILES) {
      const bytes = await tokenizer?.read(name);
      if (!bytes) continue;
      await mkdir(dirname(join(out, name)), { recursive: true });
      await writeFile(join(out, name), bytes);
    }
    // Last, so that a folder that was cut off is no model.
    await writeJson(join(out, 'config.json'), { ...json, torch_dtype: type.torch });

    const seconds = (performance.now() - started) / 1000;
    const parameters = bytes / type.bytes;
    if (flags.json)
      await print(JSON.stringify({ parameters, bytes, files: files.length, seconds }));
    else
      remark(
        `${out}: ${formatCount(parameters)} parameters, ${formatBytes(bytes)} in ` +
          `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatSeconds(seconds)}.`,
      );
    return 0;
  },
};

async function shapeOf(shape: string): Promise<object> {
  if (Object.hasOwn(SHAPES, shape)) return SHAPES[shape as ShapeName];
  if (!(await exists(shape)))
    throw new UsageError(
      `--shape takes ${SHAPE_NAMES.join(', ')} or a config.json; \`${shape}\` is neither.`,
    );
  let json: unknown;
  try {
    json = JSON.parse(await readText(shape, 'The shape'));
  } catch (error) {
    throw new Error(`${shape} is not JSON; give the config.json of a model.`, { cause: error });
  }
  if (typeof json !== 'object' || json === null)
    throw new Error(`${shape} holds no JSON object; give the config.json of a model.`);
  return json;
}

/**
 * Tensors in order, cut where a file would exceed `limit` bytes; a larger tensor has a file of its
 * own.
 */
function intoShards<T extends { readonly shape: readonly number[] }>(
  tensors: readonly T[],
  elementBytes: number,
  limit: number,
): T[][] {
  const shards: T[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const size = elements(tensor.shape) * elementBytes;
    if (shards.length === 0 || size > room) {
      shards.push([]);
      room = limit;
    }
    shards.at(-1)!.push(tensor);
    room -= size;
  }
  return shards;
}

function shardName(index: number, count: number): string {
  const five = (n: number) => String(n).padStart(5, '0');
  return `model-${five(index + 1)}-of-${five(count)}.safetensors`;
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
