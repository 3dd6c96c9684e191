import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { messageOf } from '../../lib/errors.ts';
import { type Fields, isObject, shown } from './fields.ts';
import { linearPattern, type Pattern } from './linear-regex.ts';
import { plainPattern } from './oniguruma.ts';
import { mayExplode, parseRegex } from './regex-tree.ts';

/** Longest regular expression taken from a file, in characters; the longest known has 1,700. */
const LONGEST = 20_000;

/** The field `pattern` of a Split or Replace: `{ "String": … }` or `{ "Regex": … }`. */
export function patternOf(fields: Fields): Pattern {
  const pattern = fields.raw('pattern');
  if (isObject(pattern)) {
    if (typeof pattern.String === 'string') return literal(pattern.String);
    if (typeof pattern.Regex === 'string') return regex(pattern.Regex, `${fields.path}.pattern`);
  }
  // As the field was written before it had kinds.
  if (typeof pattern === 'string') return literal(pattern);
  throw fields.wrong('pattern', 'a String or a Regex');
}

export function literal(text: string): Pattern {
  return fromRegExp(new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu'));
}

/**
 * A regular expression in Oniguruma's syntax, which the library rewrites for JavaScript.
 * @param path where it stands, for messages
 */
export function regex(source: string, path: string): Pattern {
  const refuse = (why: string) => new Error(`${path} is ${shown(source)}, ${why}`);
  if (source.length > LONGEST)
    throw refuse(`longer than the ${LONGEST} characters a pattern may have here`);
  let compiled: RegExp;
  try {
    const { pattern } = new SplitPreTokenizer({
      type: 'Split',
      pattern: { Regex: plainPattern(source) },
      behavior: 'Isolated',
      invert: false,
    });
    if (!pattern) throw new Error('it is empty');
    compiled = pattern;
  } catch (error) {
    throw refuse(`which cannot be read: ${messageOf(error).replace(/\.$/, '')}`);
  }
  try {
    return mayExplode(parseRegex(compiled.source))
      ? linearPattern(compiled.source)
      : fromRegExp(compiled);
  } catch (error) {
    // One without a repeated group cannot take exponentially long.
    if (!/\)[*+{]/.test(compiled.source)) return fromRegExp(compiled);
    throw refuse(
      `which may never come to an end and cannot be bounded: ${messageOf(error).replace(/\.$/, '')}`,
    );
  }
}

export function fromRegExp(pattern: RegExp): Pattern {
  return {
    *matches(text) {
      let at = 0;
      let last = -1;
      while (at <= text.length) {
        pattern.lastIndex = at;
        const found = pattern.exec(text);
        if (!found) return;
        const start = found.index;
        const end = start + found[0].length;
        // V8 finds empty matches inside of characters beyond U+FFFF.
        if (start > 0 && (text.codePointAt(start - 1) ?? 0) > 0xffff) {
          at = start + 1;
          continue;
        }
        if (end === start && end === last) {
          at = end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1);
          continue;
        }
        at = last = end;
        yield { start, end };
      }
    },
  };
}

export function replaceAll(pattern: Pattern, text: string, content: string): string {
  let out = '';
  let from = 0;
  for (const { start, end } of pattern.matches(text)) {
    out += text.slice(from, start) + content;
    from = end;
  }
  return out + text.slice(from);
}
