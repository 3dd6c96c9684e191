import { Rng } from '../../lib/rng.ts';
import type { Program } from '../sandbox.ts';
import { baited, CLEAN, HOSTILE, SECRET, type Bait } from './hostile.ts';

/** A program of the mixture, under a name that equal programs share. */
export interface Mixed {
  readonly name: string;
  readonly program: Program;
}

const RIGHT = 'def f(x): return x * x + 1';
const ORDINARY: Readonly<Record<string, readonly [solution: string, asserts: readonly string[]]>> =
  {
    'clean interpreter': [CLEAN, [SECRET]],
    right: [RIGHT, ['assert f(2) == 5', 'assert f(0) == 1', 'assert f(-3) == 10']],
    'right, with tolerance': [
      'def f(x): return x / 3',
      ['assert abs(f(1) - 0.3333) < 1e-3', 'assert f(3) == 1'],
    ],
    'right, of many types': [
      'def f(x): return {"a": [x, (1, 2.5)], "b": {1, 2}, None: "ü"}',
      ['assert f(3) == {"b": {2, 1}, "a": [3, (1, 2.5)], None: "ü"}'],
    ],
    'random numbers': [
      'import random\ndef f(x): return [random.randrange(10**6), hash("a")]',
      // Equal on every guest, and nobody knows to what.
      ['assert f(1) == 0'],
    ],
    'wrong in one': [RIGHT, ['assert f(2) == 5', 'assert f(0) == 2']],
    'raises in one': [
      'def f(x): return 1 / x',
      ['assert f(1) == 1', 'assert f(0) == 1', 'assert f(2) == 0.5'],
    ],
    'state between asserts': [
      'seen = []\ndef f(x):\n  seen.append(x)\n  return len(seen)',
      ['assert f(1) == 1', 'assert f(1) == 2'],
    ],
  };

/** A seeded sequence of clean, failing and hostile programs, every third of them hostile. */
export function mixture(count: number, seed: number, bait: Bait, slow: boolean): Mixed[] {
  const rng = new Rng(seed);
  const source = { setup: '', setupAfterSolution: false };
  // What may be both of two verdicts, or depends on the clock, cannot be compared.
  const hostile = HOSTILE.filter(
    (snippet) => snippet.expect.length < 3 && (slow || snippet.slow !== true),
  ).map((snippet): Mixed => {
    const { name, solution, asserts = [SECRET], timeoutSeconds = 20 } = baited(snippet, bait);
    return { name, program: { ...source, solution, asserts, timeoutSeconds } };
  });
  const ordinary = Object.entries(ORDINARY).map(([name, [solution, asserts]]): Mixed => ({
    name,
    program: { ...source, solution, asserts, timeoutSeconds: 20 },
  }));
  return Array.from({ length: count }, () => {
    const from = rng.int(3) === 0 ? hostile : ordinary;
    return from[rng.int(from.length)] as Mixed;
  });
}
