/*
 * What the library's translation of Oniguruma's patterns leaves out, written in terms it knows:
 *
 * - atomic groups `(?>…)` and possessive repetitions `…++`, which it takes for common ones: a
 *   lookahead is atomic, so `(?>X)` is `(?=(?<g>X))\k<g>`;
 * - `\R`, any line break, and `(?i)` at the beginning, which holds for all that follows;
 * - under `(?i:…)` the two characters that fold to ASCII letters: ſ to s and the Kelvin sign to k.
 */
const LINE_BREAK = '(?:\\r\\n|(?!\\r\\n)[\\n-\\r\\u0085\\u2028\\u2029])';
const FOLDS: Readonly<Record<string, string>> = { s: 'ſ', k: '\u212a' };

/** The pattern without what is listed above. */
export function plainPattern(source: string): string {
  return new Rewriter(source.startsWith('(?i)') ? `(?i:${source.slice(4)})` : source).rewrite();
}

interface Group {
  /** Where the group begins in what is written. */
  readonly start: number;
  readonly atomic: boolean;
  readonly foldsOutside: boolean;
}

class Rewriter {
  private out = '';
  private at = 0;
  private folds = false;
  private groups: Group[] = [];
  private atoms = 0;
  /** Where the last atom begins in `out`; −1 where nothing can be repeated. */
  private atom = -1;

  constructor(private readonly source: string) {}

  rewrite(): string {
    while (this.at < this.source.length) this.step();
    return this.out;
  }

  private step(): void {
    const rest = this.source.slice(this.at);
    const char = String.fromCodePoint(rest.codePointAt(0)!);
    if (char === '\\') this.take(escapeOf(rest), (text) => (text === '\\R' ? LINE_BREAK : text));
    else if (char === '[') this.take(classOf(rest), (text) => this.folded(text));
    else if (char === '(') this.open(rest);
    else if (char === ')') this.close();
    else if (char === '|') {
      this.out += char;
      this.at++;
      this.atom = -1;
    } else if (/^(?:[*+?]|\{\d*,?\d*\})/.test(rest) && this.atom >= 0) this.repeat(rest);
    else this.take(char, (text) => this.foldedLetter(text));
  }

  private take(text: string, written: (text: string) => string): void {
    this.at += text.length;
    this.atom = this.out.length;
    this.out += written(text);
  }

  private open(rest: string): void {
    const prefix = /^\((?:\?(?:<?[=!]|[:>]|<[A-Za-z_]\w*>|i:))?/.exec(rest)![0];
    const atomic = prefix === '(?>';
    this.groups.push({ start: this.out.length, atomic, foldsOutside: this.folds });
    if (prefix === '(?i:') this.folds = true;
    this.out += atomic ? '(?:' : prefix;
    this.at += prefix.length;
    this.atom = -1;
  }

  private close(): void {
    this.out += ')';
    this.at++;
    const group = this.groups.pop();
    if (!group) return;
    this.folds = group.foldsOutside;
    this.atom = group.start;
    if (group.atomic) this.makeAtomic();
  }

  private repeat(rest: string): void {
    const [whole, count = '', mode = ''] = /^([*+?]|\{\d*,?\d*\})([+?]?)/.exec(rest)!;
    // After a count in braces a plus repeats the repetition.
    const possessive = mode === '+' && !count.startsWith('{');
    this.out += possessive ? count : count + (mode === '?' ? mode : '');
    this.at += possessive || mode !== '+' ? whole.length : count.length;
    if (possessive) this.makeAtomic();
    else if (mode === '+') {
      this.out = `${this.out.slice(0, this.atom)}(?:${this.out.slice(this.atom)})`;
    } else this.atom = -1;
  }

  /** What was written since the last atom began is matched once and kept. */
  private makeAtomic(): void {
    const name = `atomic${this.atoms++}`;
    const start = this.atom;
    this.out = `${this.out.slice(0, start)}(?:(?=(?<${name}>${this.out.slice(start)}))\\k<${name}>)`;
    this.atom = start;
  }

  private foldedLetter(char: string): string {
    const other = this.folds ? FOLDS[char.toLowerCase()] : undefined;
    return other === undefined ? char : `[${char}${other}]`;
  }

  /** A class that holds a letter, alone or in a range, holds what folds to it. */
  private folded(text: string): string {
    if (!this.folds) return text;
    const inside = text.slice(0, -1).replace(/\\[pP]\{[^}]*\}|\\.|\[:\^?\w+:\]/g, '');
    const has = (letter: string) =>
      [letter, letter.toUpperCase()].some(
        (l) =>
          inside.includes(l) ||
          [...inside.matchAll(/([A-Za-z])-([A-Za-z])/g)].some(([, a, b]) => a! <= l && l <= b!),
      );
    const more = Object.entries(FOLDS).map(([letter, other]) => (has(letter) ? other : ''));
    return `${text.slice(0, -1)}${more.join('')}]`;
  }
}

function escapeOf(rest: string): string {
  return (
    /^\\(?:[pPxu]\{[^}]*\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|k<[^>]*>|[^])/u.exec(rest)?.[0] ?? '\\'
  );
}

/** A class with those nested in it; the rest where its end is missing, which the library reports. */
function classOf(rest: string): string {
  let depth = 0;
  for (let i = 0; i < rest.length; i++) {
    if (rest[i] === '\\') i++;
    else if (rest[i] === '[') {
      depth++;
      if (rest[i + 1] === '^') i++;
      // A bracket that stands first is one of the characters.
      if (rest[i + 1] === ']') i++;
    } else if (rest[i] === ']' && --depth === 0) return rest.slice(0, i + 1);
  }
  return rest;
}
