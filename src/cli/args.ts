import { nearest } from '../lib/format.ts';

/** Bad usage: exit code 2, one sentence that names the flag. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface OptionSpec {
  /** `list`: comma-separated. `flag`: takes no value. */
  readonly kind: 'text' | 'number' | 'integer' | 'list' | 'flag';
  readonly help: string;
  /** How the value is called in the help, e.g. `DIR`. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly required?: boolean;
  /** Used where the flag is left out. */
  readonly fallback?: string | number | readonly string[];
}

type ValueOf<O extends OptionSpec> = O['kind'] extends 'flag'
  ? boolean
  : O['kind'] extends 'number' | 'integer'
    ? number
    : O['kind'] extends 'list'
      ? WordOf<O>[]
      : WordOf<O>;
type WordOf<O extends OptionSpec> = O extends { choices: readonly (infer C extends string)[] }
  ? C
  : string;
type Sure<O extends OptionSpec> = O['kind'] extends 'flag'
  ? true
  : O extends { required: true } | { fallback: string | number | readonly string[] }
    ? true
    : false;
export type Values<S extends Record<string, OptionSpec>> = {
  [K in keyof S]: Sure<S[K]> extends true ? ValueOf<S[K]> : ValueOf<S[K]> | undefined;
};

/**
 * Parses `--name value`, `--name=value` and `--flag`; throws UsageError with the flag named and the
 * nearest one suggested.
 */
export function parseFlags<const S extends Record<string, OptionSpec>>(
  specs: S,
  argv: readonly string[],
): Values<S> {
  return parse(specs, argv, (word) => {
    throw new UsageError(`\`${word}\` is not expected here; flags begin with --.`);
  });
}

/** The same for a command that takes words besides, before, between or after its flags. */
export function parseWords<const S extends Record<string, OptionSpec>>(
  specs: S,
  argv: readonly string[],
): { words: string[]; flags: Values<S> } {
  const words: string[] = [];
  const flags = parse(specs, argv, (word) => words.push(word));
  return { words, flags };
}

function parse<S extends Record<string, OptionSpec>>(
  specs: S,
  argv: readonly string[],
  onWord: (word: string) => void,
): Values<S> {
  const values: Record<string, unknown> = {};
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (!word.startsWith('--')) {
      onWord(word);
      continue;
    }
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (!spec) {
      const guess = nearest(
        `--${name}`,
        Object.keys(specs).map((known) => `--${known}`),
      );
      throw new UsageError(
        `There is no flag --${name}${guess ? `; did you mean ${guess}?` : '; --help lists them all.'}`,
      );
    }
    if (Object.hasOwn(values, name)) throw new UsageError(`--${name} is given twice.`);
    if (spec.kind === 'flag') {
      if (equals >= 0) throw new UsageError(`--${name} takes no value.`);
      values[name] = true;
      continue;
    }
    const raw = equals >= 0 ? word.slice(equals + 1) : argv[++i];
    if (raw === undefined || (equals < 0 && raw.startsWith('--')))
      throw new UsageError(
        `--${name} needs a value${spec.value ? `: --${name} ${spec.value}` : ''}.`,
      );
    values[name] = parseValue(name, spec, raw);
  }
  for (const [name, spec] of Object.entries<OptionSpec>(specs)) {
    if (Object.hasOwn(values, name)) continue;
    if (spec.required)
      throw new UsageError(`--${name} is missing${spec.value ? `: --${name} ${spec.value}` : ''}.`);
    values[name] = spec.kind === 'flag' ? false : spec.fallback;
  }
  return values as Values<S>;
}

function parseValue(name: string, spec: OptionSpec, raw: string): unknown {
  if (spec.kind === 'number' || spec.kind === 'integer') {
    const value = raw.trim() === '' ? NaN : Number(raw);
    if (!Number.isFinite(value))
      throw new UsageError(`--${name} takes a number, \`${raw}\` is none.`);
    if (spec.kind === 'integer' && !Number.isInteger(value))
      throw new UsageError(`--${name} takes a whole number, ${raw} is none.`);
    if (spec.min !== undefined && value < spec.min)
      throw new UsageError(`--${name} must be at least ${spec.min}, ${raw} was given.`);
    if (spec.max !== undefined && value > spec.max)
      throw new UsageError(`--${name} must be at most ${spec.max}, ${raw} was given.`);
    return value;
  }
  const words =
    spec.kind === 'list'
      ? raw
          .split(',')
          .map((word) => word.trim())
          .filter(Boolean)
      : [raw];
  if (words.length === 0)
    throw new UsageError(`--${name} takes a comma-separated list, which is empty here.`);
  for (const word of words) {
    if (spec.choices && !spec.choices.includes(word)) {
      const guess = nearest(word, spec.choices);
      throw new UsageError(
        `--${name} takes ${spec.choices.join(', ')}; \`${word}\` is none of ` +
          `them${guess ? ` (did you mean ${guess}?)` : ''}.`,
      );
    }
  }
  return spec.kind === 'list' ? words : raw;
}

/** The flags of a command as help text, one a line. */
export function helpOf(specs: Record<string, OptionSpec>): string {
  const rows = Object.entries(specs).map(([name, spec]) => {
    const value =
      spec.kind === 'flag'
        ? ''
        : ` ${spec.value ?? (spec.choices ? spec.choices.join('|') : spec.kind === 'list' ? 'a,b,…' : 'X')}`;
    const fallback = spec.fallback === undefined ? '' : ` (${String(spec.fallback)})`;
    return [
      `  --${name}${value}`,
      `${spec.help}${spec.required ? ' (required)' : fallback}`,
    ] as const;
  });
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)) + 2);
  return rows
    .map(([left, right]) =>
      left.length < width ? left.padEnd(width) + right : `${left}\n${' '.repeat(width)}${right}`,
    )
    .join('\n');
}
