interface Field<Key extends string> {
  readonly key: Key;
  readonly label: string;
  /** Where the default comes from. */
  readonly source: string;
}

/** A number that a form asks for. */
export interface Setting<Key extends string> extends Field<Key> {
  readonly integer: boolean;
  readonly min: number;
  readonly max: number;
}

/** One of a few words that a form asks for. */
export interface Choice<Key extends string> extends Field<Key> {
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

/** What was typed as a number the setting takes; null where it is none. */
export function settingValue({ integer, min, max }: Setting<string>, text: string): number | null {
  const value = Number(text);
  const wrong = text.trim() === '' || !Number.isFinite(value) || value < min || value > max;
  return wrong || (integer && !Number.isInteger(value)) ? null : value;
}

export function settingSentence({ integer, min, max }: Setting<string>): string {
  return `${integer ? 'A whole number' : 'A number'} from ${min} to ${max}.`;
}
