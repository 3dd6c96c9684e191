import { describe, expect, it } from 'vitest';
import { countPlaywright, countVitest } from './counts.mjs';

const test = (status) => ({ status });

describe('counting unit tests', () => {
  it('adds up passed, failed and skipped ones over the files', () => {
    const report = {
      testResults: [
        { status: 'passed', assertionResults: [test('passed'), test('passed'), test('pending')] },
        { status: 'failed', assertionResults: [test('failed'), test('passed'), test('todo')] },
      ],
    };
    expect(countVitest(report)).toEqual({ passed: 3, failed: 1, skipped: 2 });
  });

  it('takes a file that could not be loaded for one failure', () => {
    const report = { testResults: [{ status: 'failed', assertionResults: [] }] };
    expect(countVitest(report)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe('counting browser flows', () => {
  it('takes a retried pass for a pass and an error outside the tests for a failure', () => {
    const report = {
      stats: { expected: 4, unexpected: 1, flaky: 1, skipped: 2 },
      errors: [{ message: 'no server' }],
    };
    expect(countPlaywright(report)).toEqual({ passed: 5, failed: 2, skipped: 2 });
  });
});
