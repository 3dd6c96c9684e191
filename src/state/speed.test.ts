import { expect, it } from 'vitest';
import { speedOf, withSample, type Sample } from './speed.ts';

const after = (...samples: Sample[]) => samples.reduce<readonly Sample[]>(withSample, []);

it('a speed is the mean of the last seconds', () => {
  const slowThenFast = Array.from({ length: 61 }, (_, i) => ({
    time: 500 * i,
    done: i <= 30 ? 10 * i : 300 + 1000 * (i - 30),
  }));
  expect(speedOf(after(...slowThenFast))).toBe(2000);
});

it('there is none before half a second has passed, and a start from 0 forgets what was before', () => {
  expect(speedOf(after())).toBeNull();
  expect(speedOf(after({ time: 0, done: 0 }, { time: 400, done: 1000 }))).toBeNull();
  expect(
    after({ time: 0, done: 900 }, { time: 1000, done: 1000 }, { time: 2000, done: 10 }),
  ).toEqual([{ time: 2000, done: 10 }]);
});

it('few samples are kept, however long it takes', () => {
  expect(
    after(...Array.from({ length: 1000 }, (_, i) => ({ time: 200 * i, done: i }))).length,
  ).toBeLessThan(45);
});
