import { describe, expect, it } from 'vitest';
import { parsePythonJson } from '../data/python-json.ts';
import type { Value } from '../sandbox/value.ts';
import { allClose } from './all-close.ts';
import closeness from './fixtures/closeness.json' with { type: 'json' };
import { exactPower, Oracle } from './oracle.ts';

const tuple = (json: string): Value => ({
  ...(parsePythonJson(json) as Value & { type: 'list' }),
  type: 'tuple',
});
const value = parsePythonJson;
const accepts = (
  oracle: Oracle,
  output: string | Value,
  expected: string | Value,
  inputs: string[] = [],
) =>
  oracle.accepts(
    typeof output === 'string' ? value(output) : output,
    typeof expected === 'string' ? value(expected) : expected,
    inputs.map(value),
  );
const mbpp = (entryPoint: string, atol = 0) => new Oracle(entryPoint, { family: 'mbpp', atol });
const humaneval = (entryPoint: string, atol = 0) =>
  new Oracle(entryPoint, { family: 'humaneval', atol });

describe("numpy's allclose", () => {
  it(`agrees with numpy on ${closeness.length} pairs, ragged, mixed and broadcast ones among them`, () => {
    expect(closeness.filter((row) => row.close).length).toBeGreaterThan(100);
    const differing = closeness.filter(
      ({ output, expected, atol, close }) =>
        (value(output).type === value(expected).type &&
          allClose(value(output), value(expected), atol)) !== close,
    );
    expect(differing).toEqual([]);
  });
});

describe("EvalPlus' oracles", () => {
  it('compares as Python does, and within 1e-6 from the first float on', () => {
    const oracle = humaneval('f');
    expect(accepts(oracle, '[1, 2.0]', '[1.0, 2]')).toBe(true);
    expect(accepts(oracle, '1000000001', '1000000000')).toBe(false);
    expect(accepts(oracle, '0.5000005', '0.5')).toBe(true);
    expect(accepts(oracle, '0.50001', '0.5')).toBe(false);
    // The quirk: integers too, once a float was expected.
    expect(accepts(oracle, '1000000001', '1000000000')).toBe(true);
    expect(accepts(oracle, '1.0', '1')).toBe(true);
    expect(accepts(oracle, '1.0000001', '1')).toBe(false); // of another type
  });

  it('takes the tolerance of the data set, for whatever is expected', () => {
    expect(accepts(mbpp('f', 1e-4), '3', '3.00005')).toBe(false);
    expect(accepts(mbpp('f', 1e-4), '3.0', '3.00005')).toBe(true);
    expect(accepts(mbpp('f', 1e-4), '[1, "a"]', '[1, "b"]')).toBe(false);
    expect(accepts(mbpp('f', 1e-4), tuple('[1.0]'), '[1.00001]')).toBe(false);
  });

  it('compares eight tasks as sets', () => {
    const shared = mbpp('similar_elements');
    expect(shared.consumes).toBe(true);
    expect(accepts(shared, '[5, 4, 4]', tuple('[4, 5]'))).toBe(true);
    expect(accepts(shared, '[[4], 5]', tuple('[4, 5]'))).toBe(false);
    expect(accepts(shared, '3', tuple('[4, 5]'))).toBe(false);
    expect(accepts(humaneval('similar_elements'), '[5, 4]', '[4, 5]')).toBe(false);
  });

  it('asks three tasks for no more than an object', () => {
    const match: Value = { type: 'unsupported', name: 're.Match', why: 'not a plain value' };
    const oracle = mbpp('check_str');
    expect(oracle.expected(match)).toEqual({ type: 'bool', value: true });
    expect(oracle.expected({ type: 'none' })).toEqual({ type: 'bool', value: false });
    const yes: Value = { type: 'bool', value: true };
    expect(accepts(oracle, match, yes)).toBe(true);
    expect(accepts(oracle, '"Invalid"', yes)).toBe(true);
    expect(accepts(oracle, 'false', yes)).toBe(false);
    expect(accepts(oracle, 'null', yes)).toBe(false);
    expect(accepts(mbpp('f'), match, match)).toBe(false);
  });

  it('knows the second readings of single tasks', () => {
    expect(accepts(mbpp('are_equivalent'), '"anything"', 'true')).toBe(true);
    expect(accepts(mbpp('sum_div'), '0', '7')).toBe(true);
    expect(accepts(mbpp('sum_div'), '1', '7')).toBe(false);
    // A base of 3 and a height of 4: 9 + 6·√(2.25 + 16) = 34.63.
    expect(accepts(mbpp('surface_Area'), '35', '33', ['3', '4'])).toBe(true);
    expect(accepts(mbpp('surface_Area'), '34', '33', ['3', '4'])).toBe(false);
    expect(accepts(mbpp('digit_distance_nums'), '9', '1', ['1', '90'])).toBe(false);
    expect(accepts(mbpp('digit_distance_nums'), '10', '1', ['1', '90'])).toBe(true);
    expect(accepts(humaneval('find_zero', 1e-4), '-0.5', '7', ['[1, 2]'])).toBe(true);
    expect(accepts(humaneval('find_zero', 1e-4), '0.5', '0.5', ['[1, 2]'])).toBe(false);
    expect(accepts(humaneval('find_zero', 1e-4), '"x"', '"x"', ['[1, 2]'])).toBe(false);
  });

  it('raises to a power with one rounding, where ** is an ulp off', () => {
    expect(exactPower(1.1, 7)).toBe(1.9487171000000012); // Fraction(1.1) ** 7, rounded
    expect(exactPower(-2.5, 3)).toBe(-15.625);
    expect(exactPower(0, 0)).toBe(1);
    expect(exactPower(1e200, 2)).toBe(Infinity);
  });
});
