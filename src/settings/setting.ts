/*
 * A setting, declared once. The schema of config.json, the presets, the flags with their help, the
 * form and the table of defaults in docs/methods.md are derived from it, so that their bounds and
 * words cannot differ.
 */

/** Where the form shows a setting: in sight, in the method's own part, or behind a fold. */
export type Section = 'run' | 'method' | 'loss' | 'more';

/** What a setting accepts. */
export type Accepts =
  | {
      readonly kind: 'number';
      readonly integer: boolean;
      readonly min: number;
      readonly max: number;
    }
  /** `words`: the value as flags and forms write it, with the label of the form. */
  | { readonly kind: 'choice'; readonly words: Readonly<Record<string, string>> };

interface Described<T> {
  /** The field's name, as the form says it. */
  readonly label: string;
  /** The symbol of docs/methods.md, where it has one. */
  readonly symbol?: string;
  /** What it does, a phrase for help and docs. */
  readonly help: string;
  /** The default for models of the 1.5B class, and where it comes from. */
  readonly standard: T;
  readonly source: string;
  /** The default for nano, where it differs. */
  readonly nano?: T;
  readonly nanoSource?: string;
  /** The flag of the command line, without its dashes. */
  readonly flag: string;
  /** An older name of the flag, which is still taken. */
  readonly formerFlag?: string;
  readonly section: Section;
  /** The form shows it only while another setting, by its path, has this word. */
  readonly when?: readonly [path: string, word: string];
}

export interface Setting<T> extends Described<T> {
  readonly accepts: Accepts;
  /** The value may be null. */
  readonly nullable: boolean;
  /** The word for null, where a person may turn the setting off. */
  readonly off: string | null;
  /** Boolean settings are two words: the first for true. */
  readonly toggle: boolean;
}

/** Settings by name, in groups where config.json has them so. */
export interface Settings {
  readonly [name: string]: Setting<unknown> | Settings;
}

/** What config.json holds of a group of settings. */
export type Values<S> = S extends Setting<infer T> ? T : { -readonly [K in keyof S]: Values<S[K]> };

type Bounds = { readonly min: number; readonly max: number };

export function integer(bounds: Bounds, described: Described<number>): Setting<number> {
  const accepts = { kind: 'number', integer: true, ...bounds } as const;
  return { ...described, accepts, nullable: false, off: null, toggle: false };
}

export function number(bounds: Bounds, described: Described<number>): Setting<number> {
  const accepts = { kind: 'number', integer: false, ...bounds } as const;
  return { ...described, accepts, nullable: false, off: null, toggle: false };
}

/** One of a few words; `words` gives each its label in the form. */
export function choice<const W extends Readonly<Record<string, string>>>(
  words: W,
  described: Described<Extract<keyof W, string>>,
): Setting<Extract<keyof W, string>> {
  return {
    ...described,
    accepts: { kind: 'choice', words },
    nullable: false,
    off: null,
    toggle: false,
  };
}

/** True or false, each with a word of its own: [word, label] of true, then of false. */
export function toggle(
  yes: readonly [string, string],
  no: readonly [string, string],
  described: Described<boolean>,
): Setting<boolean> {
  const words = Object.fromEntries([yes, no]);
  return {
    ...described,
    accepts: { kind: 'choice', words },
    nullable: false,
    off: null,
    toggle: true,
  };
}

/** The same setting, null in config.json where `off` or another setting says so. */
export function nullable<T>(setting: Setting<T>, off: string | null): Setting<T | null> {
  return { ...setting, nullable: true, off };
}

/** The same setting, off until a person turns it on. */
export function unset<T>(setting: Setting<T>): Setting<T | null> {
  return { ...setting, standard: null, nullable: true, off: 'off' };
}

export function isSetting(value: Setting<unknown> | Settings): value is Setting<unknown> {
  return typeof (value as Setting<unknown>).accepts === 'object';
}

export interface PlacedSetting {
  /** Dotted path in config.json. */
  readonly path: string;
  readonly setting: Setting<unknown>;
}

/** The settings of a group with their paths, in the order of their declaration. */
export function placed(settings: Settings, prefix = ''): PlacedSetting[] {
  return Object.entries(settings).flatMap(([name, entry]) =>
    isSetting(entry)
      ? [{ path: prefix + name, setting: entry }]
      : placed(entry, `${prefix}${name}.`),
  );
}

/** The defaults of a group, every value written out. */
export function standards<S extends Settings>(settings: S, nano: boolean): Values<S> {
  const values = Object.entries(settings).map(([name, entry]) => [
    name,
    isSetting(entry)
      ? nano && entry.nano !== undefined
        ? entry.nano
        : entry.standard
      : standards(entry, nano),
  ]);
  return Object.fromEntries(values) as Values<S>;
}

/** A value as flags and forms write it. */
export function wordOf({ off, toggle: two, accepts }: Setting<unknown>, value: unknown): string {
  if (value === null && off !== null) return off;
  if (two && accepts.kind === 'choice') return Object.keys(accepts.words)[value === true ? 0 : 1]!;
  return String(value);
}

/** The value of a word; undefined where the setting takes no such word. */
export function valueOf(
  { accepts, off, toggle: two }: Setting<unknown>,
  word: string,
): number | string | boolean | null | undefined {
  if (off !== null && word === off) return null;
  if (accepts.kind === 'choice') {
    const at = Object.keys(accepts.words).indexOf(word);
    if (at < 0) return undefined;
    return two ? at === 0 : word;
  }
  const value = Number(word);
  const wrong = word.trim() === '' || !Number.isFinite(value);
  if (wrong || value < accepts.min || value > accepts.max) return undefined;
  return accepts.integer && !Number.isInteger(value) ? undefined : value;
}

/** What the setting takes: a sentence. */
export function acceptsSentence({ accepts, off }: Setting<unknown>): string {
  const or = off === null ? '' : `, or ${off}`;
  if (accepts.kind === 'choice') return `One of ${Object.keys(accepts.words).join(', ')}${or}.`;
  const { integer: whole, min, max } = accepts;
  return `${whole ? 'A whole number' : 'A number'} from ${min} to ${max}${or}.`;
}

/** The value at a dotted path of a configuration; undefined where there is none. */
export function at(config: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), config);
}

/** A configuration with the value at a dotted path; what lies beside it stays. */
export function withAt<T>(config: T, path: string, value: unknown): T {
  const [name, ...rest] = path.split('.');
  const held: Readonly<Record<string, unknown>> = isRecord(config) ? config : {};
  const inner = rest.length === 0 ? value : withAt(held[name!], rest.join('.'), value);
  return { ...held, [name!]: inner } as T;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
