import { Rng } from '../lib/rng.ts';
import type { Problem } from './problem.ts';

export interface ProblemSets {
  readonly train: readonly Problem[];
  readonly val: readonly Problem[];
  readonly test: readonly Problem[];
}

const ORDER = 0x6f726465;
const CHOICE = 0x63686f69;

/** `count` problems of a split: the first ones of a seeded shuffle, in the split's own order. */
export function chooseProblems<P extends Problem>(
  split: readonly P[],
  count: number,
  seed: number,
  name: string,
): P[] {
  if (count > split.length) {
    const advice =
      split.length === 0 ? 'choose another data set' : `ask for at most ${split.length}`;
    throw new Error(
      `${count} ${name} problems were asked for, and the data set has ${split.length || 'none'}; ${advice}.`,
    );
  }
  const salt = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 0);
  const chosen = new Rng(CHOICE, seed, salt)
    .shuffle(split.map((_, index) => index))
    .slice(0, count);
  return chosen.sort((a, b) => a - b).map((index) => split[index]!);
}

/** Refuses a run whose train, validation and test problems intersect, naming the ids. */
export function refuseOverlap(sets: ProblemSets): void {
  const names = ['train', 'val', 'test'] as const;
  for (let i = 0; i < names.length; i++) {
    for (let j = i + 1; j < names.length; j++) {
      // `Mbpp/601` of a plus set is `mbpp/601`.
      const key = (problem: Problem): string => problem.id.toLowerCase();
      const first = new Set(sets[names[i]!].map(key));
      const both = sets[names[j]!].filter((p) => first.has(key(p))).map((p) => p.id);
      if (both.length) {
        throw new Error(
          `The ${names[i]} and ${names[j]} problems share ${both.length} ids ` +
            `(${both.slice(0, 10).join(', ')}${both.length > 10 ? ', …' : ''}); choose splits ` +
            'that do not intersect.',
        );
      }
    }
  }
}

/**
 * The problems of step `step` (from 1): `perStep` places of an endless order that is reshuffled
 * each epoch by (seed, epoch) alone, so a resumed run needs no state but the step's number and the
 * places `passed` by earlier steps that drew more than their own. `next` gives the places after.
 */
export function problemsOfStep(
  train: readonly Problem[],
  seed: number,
  step: number,
  perStep: number,
  passed = 0,
): {
  epoch: number;
  problems: Problem[];
  next: (place: number) => Problem;
  /** Problems of the split by their ids. */
  distinct: number;
} {
  const first = (step - 1) * perStep + passed;
  const at = (place: number) =>
    epochOrder(train, seed, Math.floor(place / train.length))[place % train.length]!;
  return {
    epoch: Math.floor(first / train.length),
    problems: Array.from({ length: perStep }, (_, i) => at(first + i)),
    next: (place) => at(first + perStep + place),
    distinct: new Set(train.map(({ id }) => id)).size,
  };
}

function epochOrder(train: readonly Problem[], seed: number, epoch: number): Problem[] {
  return new Rng(ORDER, seed, epoch).shuffle(train);
}
