/** A regular expression of JavaScript (flag u) without captures and references. */
export type RegexNode =
  /** One code point, as its own source. */
  | { readonly kind: 'char'; readonly source: string }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly options: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly body: RegexNode;
      readonly least: number;
      readonly most: number;
      readonly lazy: boolean;
    }
  | {
      readonly kind: 'look';
      readonly body: RegexNode;
      readonly behind: boolean;
      readonly negative: boolean;
    }
  /** What it matches first is kept: `(?=(?<atomic0>…))\k<atomic0>` of oniguruma.ts. */
  | { readonly kind: 'atomic'; readonly body: RegexNode };

/** Throws where a pattern holds what the tree has no node for. */
export function parseRegex(source: string): RegexNode {
  const parser = new Parser(source);
  const tree = parser.choice();
  parser.end();
  return tree;
}

class Parser {
  private at = 0;

  constructor(private readonly source: string) {}

  end(): void {
    if (this.at < this.source.length) throw this.unknown();
  }

  choice(): RegexNode {
    const options = [this.sequence()];
    while (this.take('|')) options.push(this.sequence());
    return options.length === 1 ? options[0]! : { kind: 'choice', options };
  }

  private sequence(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.at < this.source.length && !/[|)]/.test(this.source[this.at]!))
      parts.push(this.repeated(this.atom()));
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts };
  }

  private atom(): RegexNode {
    const atomic = this.match(/\(\?=\(\?<(atomic\d+)>/y);
    if (atomic) {
      const body = this.choice();
      if (!this.take(`))\\k<${atomic[1]!}>`)) throw this.unknown();
      return { kind: 'atomic', body };
    }
    const open = this.match(/\((\?(?:<?[=!]|:|<[A-Za-z_]\w*>))?/y);
    if (open) {
      const kind = open[1] ?? '';
      const body = this.choice();
      if (!this.take(')')) throw this.unknown();
      if (!/[=!]$/.test(kind)) return body;
      return { kind: 'look', body, behind: kind.startsWith('?<'), negative: kind.endsWith('!') };
    }
    const char =
      this.match(/\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z])/y) ??
      this.match(/\\(?:[dDsSwWnrtfv0]|[^A-Za-z0-9])/uy) ??
      this.match(/\[(?:\\[^]|[^\]\\])*\]/uy) ??
      this.match(/[^\\()[\]{}*+?^$|]/uy);
    if (!char) throw this.unknown();
    // A dot does not match a line break, here as there.
    return { kind: 'char', source: char[0] };
  }

  private repeated(body: RegexNode): RegexNode {
    const count = this.match(/(?:([*+?])|\{(\d+)(,?)(\d*)\})(\??)/y);
    if (!count) return body;
    const [, sign, low = '0', comma, high, mode] = count;
    const least = sign === undefined ? Number(low) : sign === '+' ? 1 : 0;
    const bounded = sign === '?' ? 1 : comma === '' ? least : high ? Number(high) : Infinity;
    const most = sign === '*' || sign === '+' ? Infinity : bounded;
    return { kind: 'repeat', body, least, most, lazy: mode === '?' };
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source);
    if (found) this.at += found[0].length;
    return found;
  }

  private take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private unknown(): Error {
    return new Error(`\`${this.source.slice(this.at, this.at + 20)}\` is not known here`);
  }
}

/** Repetitions in a row from which on trying all ways costs too much: a fourth power. */
const IN_A_ROW = 4;

/**
 * Whether a matcher that tries one way after another may need very many: a repeated part that can
 * match a text in several ways, or many repetitions in a row.
 */
export function mayExplode(node: RegexNode): boolean {
  return isTwofold(node) || powers(node) >= IN_A_ROW;
}

function isTwofold(node: RegexNode): boolean {
  if (node.kind === 'repeat' && node.most > 8 && isLoose(node.body)) return true;
  return childrenOf(node).some(isTwofold);
}

/** Whether it holds a choice: between options, or of a length. */
function isLoose(node: RegexNode): boolean {
  if (node.kind === 'choice' || (node.kind === 'repeat' && node.least !== node.most)) return true;
  return childrenOf(node).some(isLoose);
}

function powers(node: RegexNode): number {
  const inside = childrenOf(node).map(powers);
  if (node.kind === 'sequence') return inside.reduce((sum, power) => sum + power, 0);
  const most = Math.max(0, ...inside);
  return node.kind === 'repeat' && node.most > 64 ? most + 1 : most;
}

function childrenOf(node: RegexNode): readonly RegexNode[] {
  if (node.kind === 'sequence') return node.parts;
  if (node.kind === 'choice') return node.options;
  return node.kind === 'char' ? [] : [node.body];
}
