import { describe, expect, it } from 'vitest';
import { hash32, Rng } from './rng.ts';

describe('Rng', () => {
  it('gives the same numbers for the same key and others for another', () => {
    const draw = (...key: number[]) =>
      Array.from(
        { length: 8 },
        (
          (r) => () =>
            r.next()
        )(new Rng(...key)),
      );
    expect(draw(1, 2)).toEqual(draw(1, 2));
    expect(draw(1, 2)).not.toEqual(draw(2, 1));
    expect(new Set(draw(1, 2)).size).toBe(8);
  });

  it('is uniform: 60,000 throws of a die pass a chi-square test (5 degrees of freedom, p > 0.001)', () => {
    const rng = new Rng(7);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) counts[rng.int(6)]!++;
    const chi2 = counts.reduce((s, c) => s + (c - 10_000) ** 2 / 10_000, 0);
    expect(chi2).toBeLessThan(20.5);
  });

  it('shuffles without loss, every item reaching every place about equally often', () => {
    const places = Array.from({ length: 4 }, () => new Array<number>(4).fill(0));
    for (let epoch = 0; epoch < 8000; epoch++) {
      const order = new Rng(3, epoch).shuffle([0, 1, 2, 3]);
      expect([...order].sort()).toEqual([0, 1, 2, 3]);
      order.forEach((item, place) => places[item]![place]!++);
    }
    for (const row of places)
      for (const count of row) expect(Math.abs(count - 2000)).toBeLessThan(160);
  });

  it('hashes neighbouring keys to words that differ in about half their bits', () => {
    let bits = 0;
    for (let i = 0; i < 1000; i++) {
      for (let x = hash32(5, i) ^ hash32(5, i + 1); x; x &= x - 1) bits++;
    }
    expect(bits / 1000).toBeGreaterThan(15);
    expect(bits / 1000).toBeLessThan(17);
  });

  it('refuses a bound it cannot serve', () => {
    expect(() => new Rng(1).int(0)).toThrow(/below 0/);
  });
});
