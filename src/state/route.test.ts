import { describe, expect, it } from 'vitest';
import { formatRoute, NO_FILTER, parseRoute, START, type Route } from './route.ts';

describe('the hash', () => {
  it.each<Route>([
    START,
    { ...START, method: 'srrl' },
    { ...START, model: 'Qwen/Qwen2.5-Coder-1.5B-Instruct@main:q4', data: 'mbpp' },
    { screen: 'models' },
    { screen: 'run', runId: 'a b/c', filter: NO_FILTER },
    { screen: 'run', runId: 'x', filter: { show: 'fail', kind: 'refinement', step: 12 } },
    {
      screen: 'rollout',
      runId: 'x',
      rollout: '3/0/5',
      colour: 'advantage',
      filter: { show: 'rescued', kind: null, step: null },
    },
    { screen: 'rollout', runId: 'x', rollout: '3/0/5', colour: 'logprob', filter: NO_FILTER },
    { screen: 'compare', runs: [] },
    { screen: 'compare', runs: ['a', 'b,c', 'd&e=f', '%2C'] },
  ])('reads back every place it can write: $screen', (route) => {
    expect(parseRoute(formatRoute(route))).toEqual(route);
  });

  it('leaves defaults out of the address', () => {
    expect(
      formatRoute({
        screen: 'rollout',
        runId: 'x',
        rollout: '3/0/5',
        colour: 'logprob',
        filter: NO_FILTER,
      }),
    ).toBe('#/run/x/rollout/3/0/5');
  });

  it('takes an empty hash for the start and an unknown one for unknown', () => {
    expect(parseRoute('')).toEqual(START);
    expect(parseRoute('#/elsewhere')).toMatchObject({ screen: 'unknown' });
    expect(parseRoute('#/run/x/rollout')).toMatchObject({ screen: 'unknown' });
  });

  it('falls back to defaults for values it does not know', () => {
    expect(
      parseRoute('#/run/x/rollout/1/0/0?color=mauve&show=odd&kind=dream&step=-1'),
    ).toMatchObject({ colour: 'logprob', filter: NO_FILTER });
    expect(parseRoute('#/?method=magic')).toEqual(START);
    expect(parseRoute('#/run/%E0%A4%A')).toMatchObject({ screen: 'run', runId: '%E0%A4%A' });
  });
});
