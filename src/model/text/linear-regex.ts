import { parseRegex, type RegexNode } from './regex-tree.ts';
import { charTest } from './unicode.ts';

export interface Match {
  /** UTF-16 offsets, end excluded. */
  readonly start: number;
  readonly end: number;
}

export interface Pattern {
  /** Matches from left to right; none is empty right after another. */
  readonly matches: (text: string) => Generator<Match, void>;
}

/*
 * A matcher for patterns that make JavaScript's try exponentially many ways, and that nothing can
 * interrupt there: it tries no instruction twice at one place of the text (Cox, "Regular Expression
 * Matching in the Wild", 2010), finds the same matches, and counts its steps.
 */

type Instruction =
  | { readonly op: 'char'; readonly is: (char: string) => boolean }
  /** Goes on at `first`, and where that fails at `second`. */
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | {
      readonly op: 'look';
      readonly program: Program;
      readonly behind: boolean;
      readonly negative: boolean;
    }
  | { readonly op: 'atomic'; readonly program: Program }
  | { readonly op: 'match' };
type Program = readonly Instruction[];

/** Instructions of one pattern; counted repetitions are written out. */
const INSTRUCTIONS = 20_000;
/** Steps for a text, and for each of its UTF-16 units. */
const STEPS = 1_000_000;
const STEPS_PER_UNIT = 250;
/** How far back a lookbehind looks, in UTF-16 units. */
const BEHIND = 256;

/** @param source in JavaScript's syntax, flag u */
export function linearPattern(source: string): Pattern {
  const program = compile(parseRegex(source));
  return {
    *matches(text) {
      const search = new Search(text, source);
      let at = 0;
      let last = -1;
      for (;;) {
        const found = search.from(program, at);
        if (!found) return;
        const { start, end } = found;
        at = end;
        if (end === start && end === last) {
          at += widthAt(text, end);
          if (at > text.length) return;
          continue;
        }
        last = end;
        yield found;
      }
    },
  };
}

class Search {
  private steps = 0;
  private readonly limit: number;

  constructor(
    private readonly text: string,
    private readonly source: string,
  ) {
    this.limit = STEPS + STEPS_PER_UNIT * text.length;
  }

  /** The leftmost match that begins at `at` or later. */
  from(program: Program, at: number): Match | null {
    const failed = new Set<number>();
    for (let start = at; start <= this.text.length; start += widthAt(this.text, start)) {
      const end = this.run(program, start, failed);
      if (end !== null) return { start, end };
    }
    return null;
  }

  /**
   * Where the first way that matches from `start` on ends.
   * @param tried what is known to fail, and what is tried here
   * @param mustEnd only a way that ends here counts
   */
  private run(
    program: Program,
    start: number,
    tried: Set<number>,
    mustEnd: number | null = null,
  ): number | null {
    const { text } = this;
    const stack: number[] = [0, start];
    while (stack.length > 0) {
      let at = stack.pop()!;
      let pc = stack.pop()!;
      for (;;) {
        const key = at * program.length + pc;
        if (tried.has(key)) break;
        tried.add(key);
        if (++this.steps > this.limit)
          throw new Error(
            `The tokenizer's pattern ${JSON.stringify(this.source.slice(0, 60))} took more than ` +
              `${this.limit} steps on a text of ${text.length} characters; it is not one to run.`,
          );
        const instruction = program[pc]!;
        if (instruction.op === 'match') {
          if (mustEnd === null || at === mustEnd) return at;
          break;
        }
        if (instruction.op === 'char') {
          if (at >= text.length) break;
          const char = String.fromCodePoint(text.codePointAt(at)!);
          if (!instruction.is(char)) break;
          at += char.length;
          pc++;
        } else if (instruction.op === 'split') {
          stack.push(instruction.second, at);
          pc = instruction.first;
        } else if (instruction.op === 'jump') pc = instruction.to;
        else if (instruction.op === 'atomic') {
          const end = this.run(instruction.program, at, new Set());
          if (end === null) break;
          at = end;
          pc++;
        } else {
          const { program: inner, behind, negative } = instruction;
          const found = behind ? this.before(inner, at) : this.run(inner, at, new Set()) !== null;
          if (found === negative) break;
          pc++;
        }
      }
    }
    return null;
  }

  private before(program: Program, at: number): boolean {
    for (let start = at; start >= Math.max(0, at - BEHIND); start--) {
      const inside = start > 0 && widthAt(this.text, start - 1) === 2;
      if (!inside && this.run(program, start, new Set(), at) !== null) return true;
    }
    return false;
  }
}

/** UTF-16 units of the character at `at`; 1 at the end. */
function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function compile(tree: RegexNode): Program {
  const program: Instruction[] = [];
  const emit = (instruction: Instruction) => {
    if (program.length >= INSTRUCTIONS)
      throw new Error(`it is too large: written out it has more than ${INSTRUCTIONS} parts`);
    return program.push(instruction) - 1;
  };
  const write = (node: RegexNode): void => {
    switch (node.kind) {
      case 'char':
        emit({ op: 'char', is: charTest(`(?:${node.source})`) });
        return;
      case 'sequence':
        node.parts.forEach(write);
        return;
      case 'choice':
        choose(node.options);
        return;
      case 'look':
        emit({
          op: 'look',
          program: compile(node.body),
          behind: node.behind,
          negative: node.negative,
        });
        return;
      case 'atomic':
        emit({ op: 'atomic', program: compile(node.body) });
        return;
      case 'repeat':
        repeat(node);
        return;
      default:
        node satisfies never;
    }
  };
  const choose = (options: readonly RegexNode[]) => {
    const ends: number[] = [];
    options.forEach((option, i) => {
      if (i === options.length - 1) return write(option);
      const split = emit({ op: 'split', first: program.length + 1, second: 0 });
      write(option);
      ends.push(emit({ op: 'jump', to: 0 }));
      (program[split] as { second: number }).second = program.length;
    });
    for (const end of ends) (program[end] as { to: number }).to = program.length;
  };
  const repeat = ({ body, least, most, lazy }: Extract<RegexNode, { kind: 'repeat' }>) => {
    for (let i = 0; i < least; i++) write(body);
    const optional = (more: () => void) => {
      const split = emit({ op: 'split', first: 0, second: 0 });
      more();
      const inside = split + 1;
      const after = program.length;
      Object.assign(
        program[split]!,
        lazy ? { first: after, second: inside } : { first: inside, second: after },
      );
    };
    if (most === Infinity) {
      const again = program.length;
      optional(() => {
        write(body);
        emit({ op: 'jump', to: again });
      });
    } else {
      const some = (left: number): void => {
        if (left > 0)
          optional(() => {
            write(body);
            some(left - 1);
          });
      };
      some(most - least);
    }
  };
  write(tree);
  emit({ op: 'match' });
  return program;
}
