/** An object of a tokenizer file, as parsed from JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * One object of tokenizer.json, read field by field. Every field changes ids or text unless it is
 * named here or passed to `end`, so `end` refuses what nobody has read: a tokenizer that silently
 * drops a field gives a model tokens it was not trained on.
 */
export class Fields {
  private readonly read = new Set<string>(['type']);
  private readonly object: JsonObject;

  constructor(
    value: unknown,
    /** Where the object stands, as in `pre_tokenizer.pretokenizers[1]`. */
    readonly path: string,
  ) {
    if (!isObject(value)) throw new Error(`${path} is ${shown(value)} where an object belongs`);
    this.object = value;
  }

  get type(): string {
    return this.text('type', '');
  }

  has(name: string): boolean {
    return (this.object[name] ?? null) !== null;
  }

  raw(name: string): unknown {
    this.read.add(name);
    return this.object[name] ?? undefined;
  }

  text(name: string, fallback?: string): string {
    return this.typed(name, 'a text', isText, fallback);
  }

  flag(name: string, fallback?: boolean): boolean {
    return this.typed(name, 'true or false', isFlag, fallback);
  }

  /** A whole number from 0 on. */
  count(name: string, fallback?: number): number {
    return this.typed(name, 'a whole number', isCount, fallback);
  }

  /** A single character. */
  char(name: string, fallback?: string): string {
    const text = this.text(name, fallback);
    if ([...text].length !== 1) throw this.wrong(name, 'one character');
    return text;
  }

  oneOf<T extends string>(name: string, choices: readonly T[], fallback?: T): T {
    const text = this.text(name, fallback);
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw this.wrong(name, `one of ${choices.join(', ')}`);
    return found;
  }

  /** The objects of a list. */
  list(name: string): Fields[] {
    const value = this.raw(name);
    if (!Array.isArray(value)) throw this.wrong(name, 'a list');
    return value.map((item, i) => new Fields(item, `${this.path}.${name}[${i}]`));
  }

  /**
   * Ends the reading.
   * @param idle fields that change neither ids nor text
   */
  end(...idle: readonly string[]): void {
    const left = Object.keys(this.object).filter(
      (name) => !this.read.has(name) && !idle.includes(name) && !isOff(this.object[name]),
    );
    if (left.length > 0)
      throw new Error(
        `${this.path} has the field ${left[0]} = ${shown(this.object[left[0]!])}, which is not ` +
          'known here and may change the tokens',
      );
  }

  unknownType(what: string): Error {
    return new Error(
      `${this.path} is ${what} of type ${shown(this.object.type)}, which is not known here`,
    );
  }

  wrong(name: string, wanted: string): Error {
    return new Error(`${this.path}.${name} is ${shown(this.object[name])} where ${wanted} belongs`);
  }

  private typed<T>(
    name: string,
    wanted: string,
    is: (value: unknown) => value is T,
    fallback: T | undefined,
  ): T {
    const value = this.raw(name) ?? fallback;
    if (!is(value)) throw this.wrong(name, wanted);
    return value;
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** A field that is there and says nothing. */
function isOff(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === false ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** A value in a message, cut to a line. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
