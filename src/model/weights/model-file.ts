import { duplicateKey, parsePythonNumbers } from '../../lib/json.ts';
import { formatCount } from '../../lib/format.ts';

/** What takes the place of a model's files where a download or a clone went wrong. */
const FOREIGN: readonly (readonly [
  starts: RegExp | readonly string[],
  holds: string,
  next: string,
])[] = [
  [
    /^version (https?:|$)/,
    'is a Git LFS pointer, not the file that it stands for',
    'Run `git lfs pull` in its folder, or fetch the model again.',
  ],
  [
    /^\s*<(!doctyp|!--|html|head|body|\?xml)/i,
    'holds a web page, such as an error or a login',
    'Fetch the file again.',
  ],
  [['PK\x03\x04'], 'is a zip archive or a PyTorch file', 'Save the model as safetensors.'],
  [['\x80\x02', '\x80\x03', '\x80\x04'], 'is a Python pickle', 'Save the model as safetensors.'],
  [['GGUF'], 'is a GGUF file', 'Take the model in safetensors.'],
  [['\x1f\x8b'], 'is gzip-compressed', 'Unpack it first.'],
  [['\xff\xfe', '\xfe\xff'], 'is UTF-16 text', 'Save it as UTF-8.'],
  [/^\{\s*["}]/, 'is JSON', 'Fetch the file again.'],
];

/** Bytes of a file's start that tell what it holds. */
export const TELLING_BYTES = 64;

/**
 * What a file holds in place of what its name promises, and what to do, as the end of a sentence
 * and one more; null where its first bytes tell nothing.
 * @param start the first bytes, 8 at least where there are so many
 */
export function foreignContent(start: Uint8Array): string | null {
  if (start.length === 0) return 'is empty. Fetch the file again.';
  // Byte for byte: what is no text must not be decoded away.
  const text = String.fromCharCode(...start.subarray(0, TELLING_BYTES)).replace(
    /^\xef\xbb\xbf/,
    '',
  );
  const found = FOREIGN.find(([starts]) =>
    starts instanceof RegExp ? starts.test(text) : starts.some((word) => text.startsWith(word)),
  );
  return found ? `${found[1]}. ${found[2]}` : null;
}

/** A JSON file of a model folder, and what is to be said of how it was read. */
export interface ModelJson {
  readonly value: unknown;
  readonly notices: readonly string[];
}

/**
 * Reads a JSON file as transformers does, NaN and Infinity included. A byte order mark is skipped
 * and the last of two equal keys counts, with a notice. Throws a sentence that says what else the
 * file holds.
 * @param file its name and where it is, for messages
 */
export function parseModelJson(bytes: Uint8Array, file: string): ModelJson {
  const notices: string[] = [];
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    notices.push(`${file} begins with a byte order mark, which is skipped.`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${file} ${foreignContent(bytes) ?? 'is not UTF-8 text. Fetch it again.'}`);
  }
  let value: unknown;
  try {
    value = parsePythonNumbers(text);
  } catch {
    throw new Error(`${file} ${whatElse(bytes, text)}`);
  }
  const twice = duplicateKey(text);
  if (twice !== null)
    notices.push(`${file} holds ${JSON.stringify(twice)} twice; the last one counts.`);
  return { value, notices };
}

/** What text that does not parse as JSON is. */
function whatElse(bytes: Uint8Array, text: string): string {
  if (text.trim() === '') return 'is empty. Fetch the file again.';
  if (/^\s*[{[]/.test(text)) {
    return isCutOff(text)
      ? `is cut off after ${formatCount(bytes.length)} bytes: its JSON does not end. Fetch the file again.`
      : 'is damaged: it begins as JSON and is none. Fetch the file again.';
  }
  return foreignContent(bytes) ?? 'is not JSON. Fetch the file again.';
}

/** Whether the text ends within a string or before all brackets are closed. */
function isCutOff(text: string): boolean {
  const rest = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, '');
  if (rest.includes('"')) return true;
  const count = (pattern: RegExp) => rest.match(pattern)?.length ?? 0;
  return count(/[{[]/g) > count(/[}\]]/g);
}
