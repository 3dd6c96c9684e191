import { describe, expect, it } from 'vitest';
import type { SessionRequest } from '../schema/protocol.ts';
import { presetOf } from '../session/presets.ts';
import type { SessionClient } from './client.ts';
import { createPlans } from './plans.ts';

/** A session that answers when it is told to. */
function session() {
  const asked: {
    readonly request: SessionRequest;
    readonly answer: (value: unknown) => void;
    readonly refuse: (message: string) => void;
  }[] = [];
  const ask = (request: SessionRequest) =>
    new Promise((resolve, reject) =>
      asked.push({ request, answer: resolve, refuse: (message) => reject(new Error(message)) }),
    );
  return { asked, client: { ask } as unknown as SessionClient };
}

const settled = () => new Promise((ready) => setTimeout(ready));

describe('the plan of the run that is set up', () => {
  it('is never that of another model, and is made again when the model has come', async () => {
    const { asked, client } = session();
    const plans = createPlans(client);
    const nano = presetOf('grpo', 'nano');
    const other = presetOf('grpo', 'lab/tiny:q4');
    plans.show(nano, true);
    asked[0]!.answer('plan of nano');
    await settled();
    expect(plans.store.getState().plan).toEqual({ state: 'ready', data: 'plan of nano' });

    plans.show({ ...nano, steps: 3 }, true);
    expect(
      plans.store.getState().plan.state,
      'with another setting the old one stays until the new one is there',
    ).toBe('ready');
    plans.show(other, false);
    expect(plans.store.getState().plan.state).toBe('loading');
    asked[1]!.answer('too late');
    await settled();
    expect(plans.store.getState().plan.state).toBe('loading');

    asked[2]!.refuse('The hub cannot be reached.');
    await settled();
    expect(plans.store.getState().plan).toEqual({
      state: 'error',
      message: 'The hub cannot be reached.',
    });
    plans.show(other, false);
    plans.show(other, true);
    expect(asked).toHaveLength(5);
  });
});
