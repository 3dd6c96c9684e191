import type { Fields } from './fields.ts';
import type { Pattern } from './linear-regex.ts';
import { patternOf, replaceAll } from './pattern.ts';
import { precompiled } from './precompiled.ts';
import { byteChars, charTest, isWhite } from './unicode.ts';

/** A stretch of the text on its way to the model. */
export interface Stretch {
  readonly text: string;
  /**
   * How much of its beginning, in UTF-16 units, came from the first character of the whole text;
   * `prepend_scheme: first` asks for it.
   */
  readonly first: number;
}

export type Normalizer = (stretch: Stretch) => Stretch;

/** The normalizer that tokenizer.json describes; throws the part of a sentence that says why not. */
export function normalizerOf(fields: Fields): Normalizer {
  const made = make(fields);
  fields.end();
  return made;
}

function make(fields: Fields): Normalizer {
  switch (fields.type) {
    case 'Sequence': {
      const steps = fields.list('normalizers').map(normalizerOf);
      return (stretch) => steps.reduce((done, step) => step(done), stretch);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = fields.type;
      return local((text) => text.normalize(form));
    }
    case 'Lowercase':
      return local(lowercase);
    case 'StripAccents':
      return local((text) => text.replace(/\p{M}/gu, ''));
    case 'BertNormalizer':
      return bert(fields);
    case 'Nmt':
      return local(nmt);
    case 'ByteLevel':
      return local(byteChars);
    case 'Precompiled':
      return local(precompiled(fields.text('precompiled_charsmap', '')));
    case 'Strip':
      return strip(fields.flag('strip_left'), fields.flag('strip_right'));
    case 'Prepend': {
      const prefix = fields.text('prepend');
      return (stretch) => (stretch.text === '' ? stretch : prepended(prefix, stretch));
    }
    case 'Replace':
      return replace(patternOf(fields), fields.text('content'));
    default:
      throw fields.unknownType('a normalizer');
  }
}

/** What each character becomes depends on its neighbours at most, so the beginning stays one. */
function local(change: (text: string) => string): Normalizer {
  return ({ text, first }) => ({
    text: change(text),
    first: first === 0 ? 0 : change(text.slice(0, first)).length,
  });
}

/** A prefix counts as part of the character before which it stands. */
export function prepended(prefix: string, { text, first }: Stretch): Stretch {
  return { text: prefix + text, first: first === 0 ? 0 : first + prefix.length };
}

/** Character by character: a sigma at the end of a word is a sigma like any. */
function lowercase(text: string): string {
  let lower = '';
  for (const char of text) lower += char.toLowerCase();
  return lower;
}

function strip(left: boolean, right: boolean): Normalizer {
  return ({ text, first }) => {
    let start = 0;
    if (left)
      for (const char of text)
        if (isWhite(char)) start += char.length;
        else break;
    let end = text.length;
    // White space has no surrogates.
    if (right) while (end > start && isWhite(text[end - 1]!)) end--;
    return { text: text.slice(start, end), first: start > 0 ? 0 : Math.min(first, end) };
  };
}

function replace(pattern: Pattern, content: string): Normalizer {
  return ({ text, first }) => {
    const found = pattern.matches(text).next();
    if (found.done) return { text, first };
    const { start, end } = found.value;
    const replaced = replaceAll(pattern, text, content);
    // What replaces several characters counts as the last of them.
    if (start >= first) return { text: replaced, first };
    return { text: replaced, first: [...text.slice(start, end)].length === 1 ? content.length : 0 };
  };
}

const isChinese = charTest(
  '[\\u{4E00}-\\u{9FFF}\\u{3400}-\\u{4DBF}\\u{20000}-\\u{2A6DF}\\u{2A700}-\\u{2B73F}' +
    '\\u{2B740}-\\u{2B81F}\\u{2B920}-\\u{2CEAF}\\u{F900}-\\u{FAFF}\\u{2F800}-\\u{2FA1F}]',
);
const isControl = charTest('[\\p{Cc}\\p{Cf}\\p{Co}\\0\\u{FFFD}]');

function bert(fields: Fields): Normalizer {
  const clean = fields.flag('clean_text', true);
  const chinese = fields.flag('handle_chinese_chars', true);
  const lower = fields.flag('lowercase', true);
  const accents = fields.flag('strip_accents', lower);
  return local((text) => {
    let out = '';
    for (const char of text) {
      if (clean && !'\t\n\r'.includes(char) && isControl(char)) continue;
      const kept = clean && isWhite(char) ? ' ' : char;
      out += chinese && isChinese(kept) ? ` ${kept} ` : kept;
    }
    if (accents) out = out.normalize('NFD').replace(/\p{Mn}/gu, '');
    return lower ? lowercase(out) : out;
  });
}

// eslint-disable-next-line no-control-regex -- these are what goes
const NMT_CONTROLS = /[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g;

function nmt(text: string): string {
  return text
    .replace(NMT_CONTROLS, '')
    .replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, ' ');
}
