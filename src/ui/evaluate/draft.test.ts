import { describe, expect, it } from 'vitest';
import { configOf, EMPTY_DRAFT, type Draft } from './draft.ts';

const OFFERS = [
  { name: 'starter', problems: null, trains: true, needs: null, given: false },
  {
    name: 'mbpp+',
    problems: 378,
    trains: false,
    needs: 'A page cannot fetch mbpp+.',
    given: false,
  },
];
const FILE = new File(['{}'], 'mine.jsonl');
const of = (part: Partial<Draft>) => configOf({ ...EMPTY_DRAFT, ...part }, OFFERS);

describe('the Evaluate form', () => {
  it('says what is missing before it can start', () => {
    expect(of({})).toMatchObject({
      config: null,
      missing: expect.stringContaining('Choose a samples file') as string,
    });
    expect(of({ samplesFile: FILE, dataset: 'mbpp+' }).missing).toBe('A page cannot fetch mbpp+.');
    expect(of({ samplesFile: FILE, dataset: null }).missing).toContain('data set’s file');
  });

  it('grades a samples file by a named set or by a file', () => {
    expect(of({ samplesFile: FILE }).config).toMatchObject({
      source: { kind: 'samples', file: 'mine.jsonl' },
      dataset: 'starter',
    });
    expect(of({ samplesFile: FILE, dataset: null, datasetFile: FILE }).config).toMatchObject({
      dataset: 'mine.jsonl',
    });
  });

  it('asks a model with numbers in their ranges; an empty limit is all of the split', () => {
    const model = (numbers: Draft['numbers']) => of({ kind: 'model', numbers });
    expect(of({ kind: 'model', model: 'a/b:q4', adapterOf: 'r' }).config?.source).toMatchObject({
      model: 'a/b:q4',
      adapterOf: 'r',
    });
    expect(model({}).config?.source).toMatchObject({
      model: 'nano',
      n: 1,
      temperature: 0,
      limit: null,
      split: 'test',
    });
    expect(model({ n: '8', temperature: '0.8', limit: '20' }).config?.source).toMatchObject({
      n: 8,
      temperature: 0.8,
      limit: 20,
    });
    expect(model({ n: '0.5', limit: '-1' })).toMatchObject({
      config: null,
      errors: { n: 'A whole number from 1 to 1000.', limit: 'A whole number from 1 to 10000.' },
    });
  });
});
