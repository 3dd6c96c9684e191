import * as v from 'valibot';
import type { FileSource } from '../weights/source.ts';
import { isObject, shown, type JsonObject } from './fields.ts';
import type { AddedToken } from './added-tokens.ts';

/** Names that transformers gives templates; a source of files cannot be asked for its others. */
export const TEMPLATE_NAMES: readonly string[] = ['default', 'tool_use', 'rag'];

/** Files of a model that have to do with its text; tokenizer.json alone is needed. */
export const TEXT_FILES: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'special_tokens_map.json',
  'added_tokens.json',
  ...TEMPLATE_NAMES.map(templatePath),
];

/** Where a template by its name is, beside the others of its model. */
export function templatePath(name: string): string {
  return `additional_chat_templates/${name}.jinja`;
}

/** A special token is written as a string or as an object with its content. */
const SpecialToken = v.nullish(v.union([v.string(), v.looseObject({ content: v.string() })]));

const TokenizerConfigJson = v.looseObject({
  bos_token: SpecialToken,
  eos_token: SpecialToken,
  chat_template: v.nullish(
    v.union([v.string(), v.array(v.object({ name: v.string(), template: v.string() }))]),
  ),
  add_bos_token: v.nullish(v.boolean()),
  add_eos_token: v.nullish(v.boolean()),
  split_special_tokens: v.nullish(v.boolean(), false),
  clean_up_tokenization_spaces: v.nullish(v.boolean(), false),
  added_tokens_decoder: v.nullish(v.record(v.string(), v.looseObject({ content: v.string() }))),
});
export type TokenizerConfig = v.InferOutput<typeof TokenizerConfigJson>;

/** What the files beside tokenizer.json say of its special tokens. */
export interface TokenFiles {
  readonly config: TokenizerConfig;
  /** Tokens of `added_tokens_decoder`; they say how a token is found, whatever tokenizer.json says. */
  readonly listed: readonly AddedToken[];
  /** Tokens that exist even where tokenizer.json lacks them, in the order they are added. */
  readonly named: readonly AddedToken[];
  /** The texts of `bos_token`, `eos_token` and the like, by their names. */
  readonly special: ReadonlyMap<string, string>;
}

/** In the order in which transformers adds those that tokenizer.json lacks. */
const NAMED = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;

/**
 * tokenizer_config.json with special_tokens_map.json and added_tokens.json, joined as transformers
 * does: a config that lists its added tokens stands alone, else the two older files say more.
 */
export async function loadTokenFiles(source: FileSource): Promise<TokenFiles> {
  const own = await readObject(source, 'tokenizer_config.json');
  const listed = isObject(own.added_tokens_decoder);
  const map = listed ? {} : await readObject(source, 'special_tokens_map.json');
  const older = listed ? {} : await readObject(source, 'added_tokens.json');
  const parsed = v.safeParse(TokenizerConfigJson, { ...own, ...map });
  if (!parsed.success)
    throw new Error(
      `tokenizer_config.json of ${source.label} cannot be used: ` +
        `${v.getDotPath(parsed.issues[0]) ?? 'it'} is not what it should be.`,
    );
  const config = parsed.output;

  const special = new Map<string, string>();
  const specials: AddedToken[] = [];
  // A list of names, or an object of them by what they are for.
  const extra: unknown = config.extra_special_tokens ?? config.additional_special_tokens ?? [];
  const others = Object.entries(config).filter(
    ([name]) => name.endsWith('_token') && !NAMED.includes(name as (typeof NAMED)[number]),
  );
  const byName: [string, unknown][] = [
    ...NAMED.map((name): [string, unknown] => [name, config[name]]),
    ...others,
    ...(isObject(extra) ? Object.entries(extra) : []),
  ];
  for (const [name, value] of byName) {
    const token = asToken(value, true);
    if (!token) continue;
    special.set(name, token.content);
    specials.push(token);
  }
  if (Array.isArray(extra)) specials.push(...extra.flatMap((value) => asToken(value, true) ?? []));

  const isSpecial = new Set(specials.map(({ content }) => content));
  const byId = listed
    ? Object.entries(own.added_tokens_decoder as JsonObject).map(([id, value]) => ({
        id: Number(id),
        token: asToken(value, false),
      }))
    : Object.entries(older).map(([content, id]) => ({
        id: Number(id),
        token: asToken(content, isSpecial.has(content)),
      }));
  const known = byId.sort((a, b) => a.id - b.id).flatMap(({ token }) => token ?? []);
  return {
    config,
    special,
    listed: listed ? known : [],
    named: listed ? specials : [...known, ...specials],
  };
}

/** As a token is written: its text alone, or an object. */
function asToken(value: unknown, special: boolean): AddedToken | null {
  const object = typeof value === 'string' ? { content: value } : value;
  if (!isObject(object) || typeof object.content !== 'string' || object.content === '') return null;
  const is = (name: string, fallback: boolean) =>
    typeof object[name] === 'boolean' ? object[name] : fallback;
  return {
    content: object.content,
    single_word: is('single_word', false),
    lstrip: is('lstrip', false),
    rstrip: is('rstrip', false),
    normalized: is('normalized', !special),
    special: special || is('special', false),
  };
}

async function readObject(source: FileSource, path: string): Promise<JsonObject> {
  const json = await readJson(source, path);
  if (json === null) return {};
  if (isObject(json)) return json;
  throw new Error(
    `${path} of ${source.label} cannot be used: it holds ${shown(json)} in place of an object.`,
  );
}

export async function readJson(source: FileSource, path: string): Promise<unknown> {
  const bytes = await source.read(path);
  if (!bytes) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    throw new Error(`${path} of ${source.label} is not JSON. Fetch the model again.`);
  }
}
