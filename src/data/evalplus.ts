import * as v from 'valibot';
import { messageOf } from '../lib/errors.ts';
import type { Value } from '../sandbox/value.ts';
import { mbppArguments } from './evalplus-inputs.ts';
import type { Arguments, LoadedProblem } from './problem.ts';
import { parsePythonJson } from './python-json.ts';
import { checked } from './record.ts';

/**
 * The fields of a release line that are used; `contract` guards inputs, which the release has
 * checked already.
 */
const Fields = v.object({
  task_id: v.pipe(
    v.string(),
    v.regex(/^(?:Mbpp|HumanEval)\/\d+$/, 'an id like Mbpp/2 or HumanEval/0 is expected'),
  ),
  prompt: v.string(),
  entry_point: v.string(),
  canonical_solution: v.string(),
});

/**
 * CPython adds floats up with compensation since 3.12, the sandbox is 3.13, and EvalPlus' verdicts
 * are of earlier ones. HumanEval/32's own solution, a Newton iteration over a `sum`, misses 7 of
 * its 788 roots by that.
 */
const SUM_BEFORE_3_12 = `def sum():
    from builtins import str, sum
    from functools import reduce
    from operator import add

    def plain_sum(iterable, /, start=0):
        return sum(iterable, start) if type(start) is str else reduce(add, iterable, start)

    return plain_sum


sum = sum()
`;

/**
 * A line of MbppPlus-*.jsonl or HumanEvalPlus-*.jsonl. Its asserts are shown to nobody: inputs
 * decide.
 */
export function evalPlusProblem(json: string, where: string): LoadedProblem {
  const record = recordOf(json, where);
  const { task_id, prompt, entry_point, canonical_solution } = checked(
    Fields,
    texts(record),
    where,
  );
  const isMbpp = task_id.startsWith('Mbpp/');
  const convert = (args: Arguments): Arguments =>
    isMbpp ? mbppArguments(Number(task_id.slice('Mbpp/'.length)), args) : args;
  const inputs = (field: string): Arguments[] => {
    try {
      return argumentLists(record.get(field)).map(convert);
    } catch (error) {
      throw new Error(`${where} (${task_id}): its ${field} does not parse: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  };
  const atol = record.get('atol');
  return {
    id: task_id,
    text: prompt,
    entryPoint: entry_point,
    setup: SUM_BEFORE_3_12,
    setupAfterSolution: false,
    shown: [],
    hidden: [],
    reference: prompt + canonical_solution,
    prompt,
    differential: {
      family: isMbpp ? 'mbpp' : 'humaneval',
      atol: atol?.type === 'int' || atol?.type === 'float' ? Number(atol.value) : 0,
      base: inputs('base_input'),
      plus: inputs('plus_input'),
    },
    split: 'test',
  };
}

function recordOf(json: string, where: string): ReadonlyMap<string, Value> {
  try {
    const value = parsePythonJson(json);
    if (value.type !== 'dict') throw new Error('it is no object');
    return new Map(value.entries.map(([key, item]) => [key.type === 'str' ? key.value : '', item]));
  } catch (error) {
    throw new Error(`${where} is not JSON: ${messageOf(error)}.`, { cause: error });
  }
}

function texts(record: ReadonlyMap<string, Value>): Record<string, string> {
  return Object.fromEntries(
    [...record].flatMap(([key, value]) => (value.type === 'str' ? [[key, value.value]] : [])),
  );
}

/** A list of argument lists. Mbpp/793 has `{}` for its plus inputs: none. */
function argumentLists(value: Value | undefined): Arguments[] {
  if (value?.type === 'dict' && value.entries.length === 0) return [];
  if (value?.type !== 'list') throw new Error('it is no list');
  return value.items.map((item, i) => {
    if (item.type !== 'list') throw new Error(`its input ${i + 1} is no list of arguments`);
    return item.items;
  });
}
