import type { Fields } from './fields.ts';
import { prepended, type Stretch } from './normalizers.ts';
import type { Match, Pattern } from './linear-regex.ts';
import { fromRegExp, literal, patternOf, regex } from './pattern.ts';
import { scriptOf } from './scripts.ts';
import { byteChars, isNumeric, isPunctuation, isWhite, WHITE, WORD } from './unicode.ts';

/** Splits stretches further; the model sees each that comes out by itself. */
export type PreTokenizer = (stretches: readonly Stretch[]) => Stretch[];

const BEHAVIORS = [
  'Isolated',
  'Removed',
  'Contiguous',
  'MergedWithPrevious',
  'MergedWithNext',
] as const;
type Behavior = (typeof BEHAVIORS)[number];

/** The pre-tokenizer that tokenizer.json describes. */
export function preTokenizerOf(fields: Fields): PreTokenizer {
  const made = make(fields);
  // Offsets are not given out here, and the text of a replacement follows from the character.
  fields.end('trim_offsets', 'str_rep');
  return made;
}

function make(fields: Fields): PreTokenizer {
  switch (fields.type) {
    case 'Sequence': {
      const steps = fields.list('pretokenizers').map(preTokenizerOf);
      return (stretches) => steps.reduce<Stretch[]>((done, step) => step(done), [...stretches]);
    }
    case 'ByteLevel':
      return byteLevel(fields.flag('add_prefix_space', true), fields.flag('use_regex', true));
    case 'Metaspace':
      return metaspace(fields);
    case 'Split':
      return splitting(
        patternOf(fields),
        fields.oneOf('behavior', BEHAVIORS, 'Isolated'),
        fields.flag('invert', false),
      );
    case 'Digits':
      return splitting(
        each(isNumeric),
        fields.flag('individual_digits', false) ? 'Isolated' : 'Contiguous',
      );
    case 'Punctuation':
      return splitting(each(isPunctuation), fields.oneOf('behavior', BEHAVIORS, 'Isolated'));
    case 'Whitespace':
      return splitting(WORDS, 'Removed', true);
    case 'WhitespaceSplit':
      return splitting(each(isWhite), 'Removed');
    case 'BertPreTokenizer': {
      const words = splitting(each(isWhite), 'Removed');
      const marks = splitting(each(isPunctuation), 'Isolated');
      return (stretches) => marks(words(stretches));
    }
    case 'CharDelimiterSplit':
    case 'Delimiter':
      return splitting(literal(fields.char('delimiter')), 'Removed');
    case 'UnicodeScripts':
      return (stretches) => stretches.flatMap(byScript);
    case 'FixedLength': {
      const length = fields.count('length', 5);
      if (length === 0) throw fields.wrong('length', 'a length from 1 on');
      return (stretches) => stretches.flatMap((stretch) => byLength(stretch, length));
    }
    default:
      throw fields.unknownType('a pre-tokenizer');
  }
}

const WORDS = fromRegExp(new RegExp(`[${WORD}]+|[^${WORD}${WHITE}]+`, 'gu'));
const GPT2 = regex(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  'the pattern of GPT-2',
);

function byteLevel(prefixSpace: boolean, useRegex: boolean): PreTokenizer {
  const words = splitting(GPT2, 'Isolated');
  return (stretches) => {
    const spaced = prefixSpace
      ? stretches.map((stretch) =>
          stretch.text.startsWith(' ') ? stretch : prepended(' ', stretch),
        )
      : stretches;
    return (useRegex ? words(spaced) : spaced).map(({ text, first }) => ({
      text: byteChars(text),
      first: first === 0 ? 0 : byteChars(text.slice(0, first)).length,
    }));
  };
}

function metaspace(fields: Fields): PreTokenizer {
  const replacement = fields.char('replacement', '▁');
  const old = fields.flag('add_prefix_space', true);
  const scheme = fields.oneOf(
    'prepend_scheme',
    ['always', 'first', 'never'],
    old ? 'always' : 'never',
  );
  if (!old && scheme !== 'never')
    throw new Error(
      `${fields.path}.add_prefix_space is false, but prepend_scheme is ${scheme}: one says that ` +
        'no space comes before a text, the other that one does',
    );
  const split = fields.flag('split', true);
  const words = splitting(literal(replacement), 'MergedWithNext');
  return (stretches) => {
    const marked = stretches.map((stretch) => {
      const { first } = stretch;
      const text = stretch.text.replaceAll(' ', replacement);
      const wanted = scheme === 'always' || (scheme === 'first' && first > 0);
      return wanted && !text.startsWith(replacement)
        ? prepended(replacement, { text, first })
        : { text, first };
    });
    return split ? words(marked) : marked;
  };
}

/** Every character of a class is a match. */
function each(is: (char: string) => boolean): Pattern {
  return {
    *matches(text) {
      let at = 0;
      for (const char of text) {
        if (is(char)) yield { start: at, end: at + char.length };
        at += char.length;
      }
    },
  };
}

/** Splits at what matches, or with `invert` at what does not. */
function splitting(pattern: Pattern, behavior: Behavior, invert = false): PreTokenizer {
  return (stretches) =>
    stretches.flatMap((stretch) =>
      merged(parts(pattern, stretch.text, invert), behavior)
        .map((part) => cut(stretch, part))
        .filter(({ text }) => text !== ''),
    );
}

interface Part extends Match {
  /** Whether it is a delimiter. */
  readonly is: boolean;
}

function parts(pattern: Pattern, text: string, invert: boolean): Part[] {
  const out: Part[] = [];
  let from = 0;
  for (const { start, end } of pattern.matches(text)) {
    if (from < start) out.push({ start: from, end: start, is: invert });
    out.push({ start, end, is: !invert });
    from = end;
  }
  if (from < text.length) out.push({ start: from, end: text.length, is: invert });
  return out;
}

function merged(all: readonly Part[], behavior: Behavior): readonly Match[] {
  if (behavior === 'Isolated') return all;
  if (behavior === 'Removed') return all.filter(({ is }) => !is);
  const backwards = behavior === 'MergedWithNext';
  const out: { start: number; end: number }[] = [];
  let before = false;
  for (const { start, end, is } of backwards ? all.toReversed() : all) {
    const joins = behavior === 'Contiguous' ? is === before : is && !before;
    const last = out.at(-1);
    if (!joins || !last) out.push({ start, end });
    else if (backwards) last.start = start;
    else last.end = end;
    before = is;
  }
  return backwards ? out.reverse() : out;
}

function cut({ text, first }: Stretch, { start, end }: Match): Stretch {
  return { text: text.slice(start, end), first: Math.max(0, Math.min(first, end) - start) };
}

/** As the reference has it, what stands before the first character with a script is lost. */
function byScript(stretch: Stretch): Stretch[] {
  const out: Stretch[] = [];
  let last: string | null = null;
  let from = 0;
  let at = 0;
  for (const char of stretch.text) {
    const script = scriptOf(char);
    if (script !== null && script !== last) {
      if (last !== null) out.push(cut(stretch, { start: from, end: at }));
      from = at;
      last = script;
    }
    at += char.length;
  }
  if (last !== null) out.push(cut(stretch, { start: from, end: at }));
  return out;
}

function byLength(stretch: Stretch, length: number): Stretch[] {
  const out: Stretch[] = [];
  let from = 0;
  let at = 0;
  let chars = 0;
  for (const char of stretch.text) {
    at += char.length;
    if (++chars % length === 0) {
      out.push(cut(stretch, { start: from, end: at }));
      from = at;
    }
  }
  if (from < at) out.push(cut(stretch, { start: from, end: at }));
  return out;
}
