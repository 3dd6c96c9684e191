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
