import * as v from 'valibot';

/**
 * A record of a problem file by its schema; throws a sentence that names the place and the field.
 */
export function checked<T>(schema: v.GenericSchema<unknown, T>, value: unknown, where: string): T {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new Error(
    `${where} is no programming problem: ${v.getDotPath(issue) ?? 'the line'}: ${issue.message}.`,
  );
}
