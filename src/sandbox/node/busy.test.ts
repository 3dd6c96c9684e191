import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { parseProblems } from '../../data/datasets.ts';
import { createNodeSandbox } from './node-sandbox.ts';

const MBPP = '../shared/data/mbpp/mbpp.jsonl';
const present = existsSync(MBPP);
if (!present)
  console.log(
    'Skipped: ../shared/data/mbpp is missing, so no MBPP reference was run on a busy machine.',
  );
const full = process.env['AFTERTHOUGHT_FULL'] === '1';

it.skipIf(!present)(
  `with every core busy no honest MBPP reference runs out of time: ${full ? 'all 974' : 'a sample of 49'}`,
  async () => {
    const all = parseProblems(readFileSync(MBPP, 'utf8'), 'mbpp.jsonl');
    const chosen = full ? all : all.filter((_problem, i) => i % 20 === 7);
    const busy = Array.from({ length: availableParallelism() }, () =>
      spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
    );
    const sandbox = createNodeSandbox({ workers: 1, recheck: 0 });
    try {
      const verdicts = await Promise.all(
        chosen.map(({ reference: solution, setup, setupAfterSolution, shown }) =>
          sandbox.grade({
            solution,
            setup,
            setupAfterSolution,
            asserts: shown,
            timeoutSeconds: 10,
          }),
        ),
      );
      const others = chosen.flatMap((problem, i) =>
        verdicts[i]?.status === 'pass' ? [] : [[problem.id, verdicts[i]]],
      );
      expect(others).toEqual([]);
    } finally {
      for (const child of busy) child.kill('SIGKILL');
      await sandbox.close();
    }
  },
  1_200_000,
);
