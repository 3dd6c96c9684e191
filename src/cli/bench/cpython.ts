import { spawn, spawnSync } from 'node:child_process';
import type { Program } from '../../sandbox/sandbox.ts';

/**
 * The peer: CPython, one process a program, nothing kept from the program at all. Null where there
 * is no python3.
 */
export function cpython(): {
  readonly version: string;
  readonly run: (program: Program) => Promise<boolean>;
} | null {
  // The interpreter itself: what stands under its name may be a script that looks for it.
  const asked = spawnSync(
    'python3',
    ['-c', 'import sys; print(sys.executable, sys.version.split()[0], sep="\\n")'],
    {
      encoding: 'utf8',
    },
  );
  const [interpreter, version] = asked.status === 0 ? asked.stdout.trim().split('\n') : [];
  if (interpreter === undefined || version === undefined) return null;
  return {
    version: `CPython ${version}`,
    run: ({ setup, solution, asserts }) =>
      new Promise((resolve, reject) => {
        const child = spawn(interpreter, ['-c', [setup, solution, ...asserts].join('\n')], {
          stdio: 'ignore',
        });
        child.on('error', reject);
        child.on('exit', (code) => resolve(code === 0));
      }),
  };
}
