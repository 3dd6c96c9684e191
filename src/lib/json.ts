import * as v from 'valibot';
import { messageOf } from './errors.ts';

/** Parses JSON by a schema; throws a sentence that names the place and the field. */
export function parseJson<T>(schema: v.GenericSchema<unknown, T>, text: string, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${where} is not JSON: ${messageOf(error)}.`, { cause: error });
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new Error(
    `${where} does not parse: ${v.getDotPath(issue) ?? 'the line'}: ${issue.message}.`,
  );
}

/**
 * Parses JSON lines, blank ones left out; a field that is null counts as left out, since Python
 * writes None so.
 */
export function parseLines<T>(
  schema: v.GenericSchema<unknown, T>,
  text: string,
  where: string,
): T[] {
  return mapLines(schema, text, where, (line) => line);
}

/** A record without its fields that are null: Python writes None so, and it means left out. */
export function withoutNulls(record: unknown): unknown {
  return typeof record === 'object' && record !== null && !Array.isArray(record)
    ? Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null))
    : record;
}

/** Text without the mark that some editors put before it. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

const WithoutNulls = v.pipe(v.unknown(), v.transform(withoutNulls));

/**
 * Parses JSON lines and makes something of each; `label` says where a line is, for the sentences
 * that `make` throws.
 */
export function mapLines<T, U>(
  schema: v.GenericSchema<unknown, T>,
  text: string,
  where: string,
  make: (line: T, label: string) => U,
): U[] {
  const out: U[] = [];
  withoutMark(text)
    .split('\n')
    .forEach((line, index) => {
      if (line.trim() === '') return;
      const label = `${where}, line ${index + 1}`;
      out.push(make(parseJson(v.pipe(WithoutNulls, schema), line, `${label},`), label));
    });
  if (out.length === 0) throw new Error(`${where} holds no lines.`);
  return out;
}

/** A string with its escapes, or a number that JSON has no word for. */
const PYTHON_TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/g;
const NAN = '\uE000NaN';

/**
 * JSON as Python's `json` module reads it: NaN, Infinity and -Infinity are numbers. Throws as
 * JSON.parse does.
 */
export function parsePythonNumbers(text: string): unknown {
  if (!/NaN|Infinity/.test(text)) return JSON.parse(text);
  // 1e999 parses to Infinity; NaN has no such spelling, so a string stands for it.
  const words: Readonly<Record<string, string>> = {
    NaN: JSON.stringify(NAN),
    Infinity: '1e999',
    '-Infinity': '-1e999',
  };
  return JSON.parse(
    text.replace(PYTHON_TOKEN, (token) => words[token] ?? token),
    (_, value: unknown) => (value === NAN ? NaN : value),
  );
}

/** A key that an object of this JSON holds twice, of which JSON.parse keeps the last; else null. */
export function duplicateKey(text: string): string | null {
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(
    /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\]]/g,
  )) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (string !== undefined && colon !== undefined) {
      const key = JSON.parse(string) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return null;
}
