import { describe, expect, it } from 'vitest';
import { candidatesAt, furthestApart } from './distillation.ts';
import { targetBlock } from './testing/distillation.ts';

describe('what teacher and student expected', () => {
  const block = targetBlock([
    { id: 1, loss: 0.1, teacher: [[1, 0.9]], student: [[1, 0.8]] },
    {
      id: 2,
      loss: 0.7,
      teacher: [
        [2, 0.5],
        [3, 0.25],
      ],
      student: [
        [4, 0.75],
        [2, 0.125],
      ],
    },
    { id: 0, loss: NaN, teacher: [], student: [] },
  ]);

  it('is matched by token, the teacher’s best first, without the places of a small vocabulary', () => {
    expect(
      candidatesAt(block, 1).map(({ id, teacher, student }) => [
        id,
        teacher && round(teacher),
        student && round(student),
      ]),
    ).toEqual([
      [2, 0.5, 0.125],
      [3, 0.25, null],
      [4, null, 0.75],
    ]);
    expect(candidatesAt(block, 2)).toEqual([]);
  });

  it('differs most where the loss is largest; a loss that is no number is passed over', () => {
    expect(furthestApart(block)).toBe(1);
    expect(furthestApart(targetBlock([{ id: 1, loss: NaN, teacher: [], student: [] }]))).toBeNull();
  });
});

const round = (value: number) => Number(value.toFixed(6));
