import { describe, expect, it, vi } from 'vitest';
import { PHASES } from '../settings/kinds.ts';
import { createSessionClient } from './client.ts';
import { testChannel } from './testing/channel.ts';
import { CONFIG } from './testing/log.ts';

function setUp() {
  const channel = testChannel();
  const pushes = {
    events: vi.fn(),
    evaluation: vi.fn(),
    model: vi.fn(),
    status: vi.fn(),
    elsewhere: vi.fn(),
    broken: vi.fn(),
  };
  return { channel, pushes, client: createSessionClient(channel, pushes) };
}

describe('the session client', () => {
  it('gives each answer to the request with its id', async () => {
    const { channel, client } = setUp();
    const first = client.ask({ type: 'start', config: CONFIG });
    const second = client.ask({ type: 'resume', runId: 'b' });
    channel.answer('resume', { runId: 'b' });
    channel.answer('start', { runId: 'a' });
    expect(await first).toEqual({ runId: 'a' });
    expect(await second).toEqual({ runId: 'b' });
  });

  it('rejects with the worker’s own sentence', async () => {
    const { channel, client } = setUp();
    const asked = client.ask({ type: 'log', runId: 'x' });
    channel.refuse('log', 'There is no run x.');
    await expect(asked).rejects.toThrow('There is no run x.');
  });

  it('names the field of an answer that does not parse', async () => {
    const { channel, client } = setUp();
    const asked = client.ask({ type: 'start', config: CONFIG });
    channel.answer('start', { runId: 3 } as never);
    await expect(asked).rejects.toThrow(/'start'.*runId/);
  });

  it('passes on a status of every phase that a method has', () => {
    const { channel, pushes } = setUp();
    for (const phase of [...PHASES, 'checkpoint']) {
      channel.push({
        type: 'status',
        status: { state: 'running', runId: 'r', step: 1, phase, done: 0, total: 1, pausing: false },
      });
      expect(pushes.status).toHaveBeenLastCalledWith(expect.objectContaining({ phase }));
    }
    expect(pushes.broken).not.toHaveBeenCalled();
  });

  it('reports a push that does not parse instead of passing it on', () => {
    const { channel, pushes } = setUp();
    channel.push({ type: 'events', runId: 'r', events: [{ type: 'step.started', seq: 0 }] });
    expect(pushes.events).not.toHaveBeenCalled();
    expect(pushes.broken).toHaveBeenCalledWith(expect.stringContaining('events.0'));
  });

  it('rejects what is open and what comes later once the worker is gone', async () => {
    const { client } = setUp();
    const open = client.ask({ type: 'runs' });
    client.fail('The training worker stopped.');
    await expect(open).rejects.toThrow('The training worker stopped.');
    await expect(client.ask({ type: 'runs' })).rejects.toThrow('The training worker stopped.');
  });
});
