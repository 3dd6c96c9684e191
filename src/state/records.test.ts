import { expect, it } from 'vitest';
import { runLog } from '../compare/testing/runs.ts';
import { createSessionClient } from './client.ts';
import { createRecords } from './records.ts';
import { testChannel } from './testing/channel.ts';

const LOG = runLog({ runId: 'a', answers: { p: [[0, 1]] } });

function setUp() {
  const channel = testChannel();
  const silent = () => undefined;
  const records = createRecords(
    createSessionClient(channel, {
      events: silent,
      evaluation: silent,
      model: silent,
      status: silent,
      elsewhere: silent,
      broken: silent,
    }),
  );
  const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
  return { channel, records, settled, held: () => records.store.getState() };
}

it('reads the log of a finished run once, of one that goes on each time it is looked at', async () => {
  const { channel, records, settled, held } = setUp();
  records.open(['a', 'b']);
  records.open(['a', 'b']);
  expect(channel.asked).toHaveLength(2);
  channel.answer('log', LOG);
  channel.answer('log', runLog({ runId: 'b', answers: { p: [[0, 1]] }, rest: [] }));
  await settled();
  expect(held().get('a')).toMatchObject({ state: 'ready', data: { runId: 'a', finished: true } });
  expect(held().get('b')).toMatchObject({ state: 'ready', data: { finished: false } });

  records.open(['a', 'b']);
  expect(channel.asked.slice(2).map(({ request }) => request)).toEqual([
    { type: 'log', runId: 'b' },
  ]);
  expect(held().get('b')?.state, 'what is known stays until more is').toBe('ready');
  channel.answer('log', runLog({ runId: 'b', answers: { p: [[0, 1]] } }));
  await settled();
  expect(held().get('b')).toMatchObject({ state: 'ready', data: { finished: true } });
});

it('says in a sentence which run cannot be read, and tries again when asked', async () => {
  const { channel, records, settled, held } = setUp();
  records.open(['gone', 'empty']);
  channel.refuse('log', 'There is no run gone.');
  channel.answer('log', []);
  await settled();
  expect(held().get('gone')).toEqual({
    state: 'error',
    message: 'Run gone cannot be compared: There is no run gone.',
  });
  expect(held().get('empty')).toMatchObject({
    state: 'error',
    message: expect.stringContaining('does not say how it began') as unknown,
  });
  records.open(['gone']);
  expect(channel.asked).toHaveLength(3);
});
