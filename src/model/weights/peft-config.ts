import * as v from 'valibot';
import { LORA_TARGETS, type LoraTarget } from './adapter.ts';

/** What adapter_config.json says of an adapter, module by module of a model. */
export interface AdapterRules {
  /** r: the rank of modules that no pattern names. */
  readonly rank: number;
  /** Whether a module, by its name in the model, has an adapter. */
  readonly hasAdapter: (module: string) => boolean;
  readonly rankOf: (module: string) => number;
  /** The product of its two factors is multiplied by this over the rank. */
  readonly alphaOf: (module: string) => number;
}

export const ADAPTER_CONFIG = 'adapter_config.json';

/** Where a projection sits in its layer. */
const BLOCKS: Readonly<Record<LoraTarget, string>> = {
  q: 'self_attn',
  k: 'self_attn',
  v: 'self_attn',
  o: 'self_attn',
  gate: 'mlp',
  up: 'mlp',
  down: 'mlp',
};

/** The name of a projection in its model. */
export function moduleName(layer: number, target: LoraTarget): string {
  return `model.layers.${layer}.${BLOCKS[target]}.${target}_proj`;
}

const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const whole = v.pipe(v.number(), v.integer(), v.minValue(1));
const names = v.union([v.string(), v.array(v.string())]);
const FIELDS = {
  peft_type: v.string(),
  r: whole,
  lora_alpha: positive,
  target_modules: v.nullish(names),
  exclude_modules: v.nullish(names),
  rank_pattern: v.nullish(v.record(v.string(), whole)),
  alpha_pattern: v.nullish(v.record(v.string(), positive)),
  layers_to_transform: v.nullish(
    v.union([v.pipe(v.number(), v.integer()), v.array(v.pipe(v.number(), v.integer()))]),
  ),
  layers_pattern: v.nullish(names),
  use_rslora: v.nullish(v.boolean()),
};
const AdapterConfigJson = v.looseObject(FIELDS);
type AdapterConfigJson = v.InferOutput<typeof AdapterConfigJson>;

/**
 * Fields that change what an adapter computes, with the values that leave it plain LoRA (besides
 * null, false and empty).
 */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  use_dora: [],
  use_qalora: [],
  use_bdlora: [],
  lora_bias: [],
  fan_in_fan_out: [],
  bias: ['none'],
  modules_to_save: [],
  layer_replication: [],
  target_parameters: [],
  trainable_token_indices: [],
  alora_invocation_tokens: [],
  // The other initialisations change the base weights as well.
  init_lora_weights: [true, 'gaussian', 'orthogonal', 'eva'],
};

/** Book-keeping, and settings of training or of initialisations. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['auto_mapping', 'base_model_name_or_path', 'revision', 'inference_mode', 'peft_version'],
  ...['task_type', 'lora_dropout', 'megatron_config', 'megatron_core', 'runtime_config'],
  ...['loftq_config', 'eva_config', 'corda_config', 'lora_ga_config', 'ensure_weight_tying'],
]);

/**
 * Parses adapter_config.json; throws a sentence naming the field and its value where it is more
 * than LoRA on the linears of a layer. A variant that is not known shows by a field that is true or
 * holds an object: numbers and words alone belong to variants that are off.
 */
export function parseAdapterConfig(json: unknown): AdapterRules {
  const parsed = v.safeParse(AdapterConfigJson, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new Error(
      `${ADAPTER_CONFIG} cannot be used: ${v.getDotPath(issue) ?? 'it'} is ${issue.received}, ` +
        `expected ${issue.expected ?? 'another value'}.`,
    );
  }
  const config = parsed.output;
  if (config.peft_type !== 'LORA') refuse('peft_type', config.peft_type);
  for (const [field, value] of Object.entries(config)) {
    if (Object.hasOwn(FIELDS, field) || HARMLESS.has(field) || isEmpty(value)) continue;
    const plain = Object.hasOwn(PLAIN, field) ? PLAIN[field] : undefined;
    if (plain ? !plain.includes(value) : value === true || typeof value === 'object')
      refuse(field, value);
  }
  const rankPattern = patterns('rank_pattern', config.rank_pattern);
  const alphaPattern = patterns('alpha_pattern', config.alpha_pattern);
  const rankOf = (module: string) => rankPattern(module) ?? config.r;
  return {
    rank: config.r,
    hasAdapter: targeting(config),
    rankOf,
    // rsLoRA scales by α/√r instead of α/r: plain LoRA with an α that is √r as large.
    alphaOf: (module) =>
      (alphaPattern(module) ?? config.lora_alpha) *
      (config.use_rslora ? Math.sqrt(rankOf(module)) : 1),
  };
}

/** Which modules the configuration names, as PEFT's check_target_module_exists decides it. */
function targeting(config: AdapterConfigJson): (module: string) => boolean {
  const excluded = named('exclude_modules', config.exclude_modules ?? []);
  const layers = config.layers_to_transform ?? [];
  const chosen = new Set(typeof layers === 'number' ? [layers] : layers);
  const given = config.target_modules ?? refuse('target_modules', config.target_modules);
  if (typeof given === 'string') {
    if (chosen.size > 0) refuse('layers_to_transform', layers);
    // PEFT's word for every linear but the output head.
    if (given.toLowerCase() === 'all-linear') return (module) => !excluded(module);
    const found = named('target_modules', given);
    return (module) => found(module) && !excluded(module);
  }
  const [first] = given;
  if (first === undefined) refuse('target_modules', given);
  const foreign = given.find((module) => !mayName(module));
  if (foreign !== undefined) refuse('target_modules', foreign);
  const found = named('target_modules', given);
  const layer = layerOf(config);
  return (module) => {
    if (!found(module) || excluded(module)) return false;
    if (chosen.size === 0 || given.includes(module)) return true;
    const index = layer(module);
    return index !== null && chosen.has(index);
  };
}

/** A pattern that is to match a whole name, or names that it may end in after a dot. */
function named(field: string, given: string | readonly string[]): (module: string) => boolean {
  if (typeof given === 'string') {
    const pattern = pythonPattern(field, given, (text) => `^(?:${text})$`);
    return (module) => pattern.test(module);
  }
  return (module) => given.some((name) => module === name || module.endsWith(`.${name}`));
}

/** Whether a word of target_modules can be the end of a linear's name. */
function mayName(word: string): boolean {
  const [, block, target] =
    /^(?:(?:(?:model\.)?layers\.)?\d+\.)?(?:(\w+)\.)?(\w+)_proj$/.exec(word) ?? [];
  const known = LORA_TARGETS.find((name) => name === target);
  return known !== undefined && (block === undefined || BLOCKS[known] === block);
}

function layerOf({ layers_pattern: given }: AdapterConfigJson): (module: string) => number | null {
  const words = typeof given === 'string' ? [given] : (given ?? []);
  const patterns = (words.filter((word) => word !== '').length > 0 ? words : ['[^.]*']).map(
    (word) => pythonPattern('layers_pattern', word, (text) => `^.*\\.(?:${text})\\.(\\d+)\\.`),
  );
  return (module) => {
    for (const pattern of patterns) {
      const index = pattern.exec(module)?.[1];
      if (index !== undefined) return Number(index);
    }
    return null;
  };
}

/** The value of the first pattern that a module's name ends in; PEFT's get_pattern_key. */
function patterns(
  field: string,
  given: Readonly<Record<string, number>> | null | undefined,
): (module: string) => number | undefined {
  const all = Object.entries(given ?? {}).map(
    ([text, value]) =>
      [pythonPattern(field, text, (text) => `^(?:.*\\.)?(?:${text})$`), value] as const,
  );
  return (module) => all.find(([pattern]) => pattern.test(module))?.[1];
}

/** A pattern of Python's `re`, as far as the two languages agree; refuses another. */
function pythonPattern(field: string, text: string, wrap: (text: string) => string): RegExp {
  const translated = text
    .replaceAll('(?P<', '(?<')
    .replace(/\(\?P=(\w+)\)/g, '\\k<$1>')
    .replace(/^\\A/, '^')
    .replace(/\\Z$/, '$');
  // Letters whose escape means the same in both; possessive quantifiers are Python's alone.
  if (/\\[^bBdDsSwWnrtfvk_\d\W]/.test(translated) || /[*+?}]\+/.test(translated))
    refuse(field, text);
  try {
    return new RegExp(wrap(translated));
  } catch {
    return refuse(field, text);
  }
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function refuse(field: string, value: unknown): never {
  throw new Error(
    `This adapter is not supported: ${ADAPTER_CONFIG} has ${field} = ${JSON.stringify(value)}. ` +
      'LoRA on the q, k, v, o, gate, up and down projections is, with or without rsLoRA and ' +
      'patterns of rank and alpha.',
  );
}
