import { expect, it } from 'vitest';
import { StepReply } from './execution.ts';
import { parseReply, replyLimit } from './reply.ts';

const limit = replyLimit({ nodes: 20, text: 100 });
const read = (reply: object) => parseReply(StepReply, JSON.stringify(reply), limit);

it('an answer is read up to the length that its budget allows', () => {
  expect(read({ value: ['s', 'x'.repeat(100)] })).toBeDefined();
  expect(read({ value: ['s', 'x'.repeat(limit)] })).toBeUndefined();
  expect(parseReply(StepReply, '['.repeat(40_000_000), limit)).toBeUndefined();
});

it('an error beyond the bounds that the harness keeps is none of its answers', () => {
  const error = { type: 'E', message: 'm', lines: [1] };
  expect(read({ error })).toEqual({ error });
  expect(read({ error: { ...error, type: 'T'.repeat(81) } })).toBeUndefined();
  expect(read({ error: { ...error, message: 'm'.repeat(301) } })).toBeUndefined();
  expect(read({ error: { ...error, lines: Array.from({ length: 21 }, () => 1) } })).toBeUndefined();
});
