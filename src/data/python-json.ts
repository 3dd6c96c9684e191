import type { Value } from '../sandbox/value.ts';

/**
 * JSON as Python's `json.loads` reads it: `1` and `1.0` stay apart, integers keep all their digits,
 * and NaN, Infinity and -Infinity are numbers. Test inputs need all three; `JSON.parse` gives none
 * of them. Throws a sentence with the place.
 */
export function parsePythonJson(text: string): Value {
  const reader = new Reader(text);
  const value = reader.value();
  reader.end();
  return value;
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['null', { type: 'none' }],
  ['true', { type: 'bool', value: true }],
  ['false', { type: 'bool', value: false }],
  ['NaN', { type: 'float', value: NaN }],
  ['Infinity', { type: 'float', value: Infinity }],
  ['-Infinity', { type: 'float', value: -Infinity }],
]);

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  value(): Value {
    this.match(SPACE);
    const first = this.text[this.at];
    if (first === '[') return { type: 'list', items: this.series(']', () => this.value()) };
    if (first === '{') return { type: 'dict', entries: this.series('}', () => this.entry()) };
    if (first === '"') return { type: 'str', value: this.string() };
    for (const [word, value] of WORDS) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    const number = this.match(NUMBER) ?? this.fail('a value');
    const whole = number[1] === undefined && number[2] === undefined;
    return whole
      ? { type: 'int', value: BigInt(number[0]) }
      : { type: 'float', value: Number(number[0]) };
  }

  end(): void {
    this.match(SPACE);
    if (this.at < this.text.length) this.fail('the end');
  }

  private entry(): readonly [Value, Value] {
    this.match(SPACE);
    const key = this.string();
    this.match(SPACE);
    if (this.text[this.at++] !== ':') this.fail('a colon');
    return [{ type: 'str', value: key }, this.value()];
  }

  private series<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    this.at += 1;
    this.match(SPACE);
    if (this.text[this.at] === close) {
      this.at += 1;
      return items;
    }
    for (;;) {
      items.push(item());
      this.match(SPACE);
      const next = this.text[this.at++];
      if (next === close) return items;
      if (next !== ',') this.fail(`a comma or ${close}`);
    }
  }

  private string(): string {
    const found = this.match(STRING) ?? this.fail('a string');
    try {
      return JSON.parse(found[0]) as string;
    } catch {
      return this.fail('a string');
    }
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at = pattern.lastIndex;
    return found;
  }

  private fail(wanted: string): never {
    throw new Error(`at character ${this.at + 1} ${wanted} was expected`);
  }
}
