import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { messageOf } from '../lib/errors.ts';

/** Writes a line to stdout; resolves when the pipe has taken it. */
export function print(line: string): Promise<void> {
  return write(`${line}\n`);
}

/** Writes text to stdout as it is; resolves when the pipe has taken it. */
export function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** A remark for people, on stderr. */
export function remark(line: string): void {
  process.stderr.write(`${line}\n`);
}

export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export async function readText(path: string, what: string): Promise<string> {
  return (await readBytes(path, what)).toString('utf8');
}

export async function readBytes(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`${what} ${path} cannot be read: ${reason(error)}.`, { cause: error });
  }
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : messageOf(error);
}

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
  throw new Error(`${where} does not parse: ${v.getDotPath(issue) ?? 'the line'}: ${issue.message}.`);
}

/** Parses JSON lines, blank ones left out. */
export function parseLines<T>(schema: v.GenericSchema<unknown, T>, text: string, where: string): T[] {
  const out: T[] = [];
  text.split('\n').forEach((line, index) => {
    if (line.trim() !== '') out.push(parseJson(schema, line, `${where}, line ${index + 1},`));
  });
  if (out.length === 0) throw new Error(`${where} holds no lines.`);
  return out;
}

/** Items in blocks of `size`, in order. */
export function* blocks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
