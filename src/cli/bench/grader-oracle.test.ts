import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openGrader } from '../grader.ts';
import { againstCPython, oracleHolds, oracleText } from './grader-oracle.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']);
if (python.status !== 0) console.warn('SKIPPED: CPython as the oracle, there is no python3 here');

describe('CPython as the oracle', () => {
  it.skipIf(python.status !== 0)(
    'agrees on 300 generated programs with tests, and pays for none that it refuses',
    async () => {
      const grader = openGrader({});
      try {
        const found = await againstCPython(300, 20, root, grader);
        expect(found.checked).toBe(300);
        // Enough of both, else agreement says nothing.
        expect(found.refused).toBeGreaterThan(80);
        expect(found.refused).toBeLessThan(220);
        expect(Object.keys(found.byKind).length).toBeGreaterThan(30);
        expect(oracleHolds(found), oracleText(found)).toBe(true);
      } finally {
        await grader.close();
      }
    },
    600_000,
  );
});
