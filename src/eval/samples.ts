import * as v from 'valibot';
import { parseLines } from '../lib/json.ts';

/** One line of a samples file: a program, or a completion to find one in. */
const Sample = v.pipe(
  v.looseObject({
    task_id: v.union([v.string(), v.number()]),
    solution: v.optional(v.string()),
    completion: v.optional(v.string()),
  }),
  v.check(
    (line) => line.solution !== undefined || line.completion !== undefined,
    'a sample needs "solution"',
  ),
);
export type Sample = Readonly<v.InferOutput<typeof Sample>>;

/** Parses EvalPlus' samples.jsonl; throws a sentence that names the line and the field. */
export function parseSamples(text: string, label: string): Sample[] {
  return parseLines(Sample, text, label);
}
