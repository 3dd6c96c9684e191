import { expect, it } from 'vitest';
import { elementAt, expectDefined } from './defined.ts';

it('gives elements that are there, falsy ones too', () => {
  expect(elementAt([0, 7], 0)).toBe(0);
  expect(elementAt(Uint32Array.of(3, 4), 1)).toBe(4);
  expect(expectDefined('', 'The text')).toBe('');
});

it.each([-1, 2, 0.5, NaN])('refuses element %d of 2', (index) => {
  expect(() => elementAt([5, 6], index)).toThrow(`Element ${index} was asked for, of 2.`);
});

it.each([null, undefined])('refuses a value that is %s', (value) => {
  expect(() => expectDefined(value, 'The shard')).toThrow('The shard is missing.');
});
