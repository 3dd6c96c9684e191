import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseEvent } from '../schema/events.ts';

const BIN = join(import.meta.dirname, '../../bin/afterthought');
const out = mkdtempSync(join(tmpdir(), 'matrix-'));
afterAll(() => rmSync(out, { recursive: true }));

const COMMAND =
  '--method grpo,random-reward --seeds 1,2 --train 2 --test 3 --eval-samples 1 --steps 1 ' +
  '--group 2 --problems-per-step 2 --max-tokens 24 --timeout 20';

/** Runs the command; `interruptAt`: Ctrl-C as soon as stderr holds it. */
function matrix(
  flags: readonly string[],
  interruptAt: RegExp | null = null,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(
    process.execPath,
    [BIN, 'run', ...COMMAND.split(' '), '--out', out, ...flags],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  let sent = false;
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
    if (interruptAt?.test(stderr) && !sent) sent = child.kill('SIGINT');
  });
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

const log = (run: string) => readFileSync(join(out, run, 'events.jsonl'), 'utf8');
const eventsOf = (run: string) =>
  log(run)
    .trim()
    .split('\n')
    .map((line) => parseEvent(JSON.parse(line)));

it(
  'a matrix that is interrupted goes on by the same command: finished runs stay as they are, the rest is run',
  { timeout: 300_000 },
  async () => {
    const first = await matrix([], /Run 2 of 4[^]*evaluation before/);
    expect(first.code, first.stderr).toBe(130);
    expect(first.stderr).toContain('Go on with: the same command and --resume');
    expect(eventsOf('grpo-seed-1').at(-1)?.type).toBe('run.finished');
    expect(eventsOf('random-reward-seed-1').some((event) => event.type === 'run.finished')).toBe(
      false,
    );
    const finished = log('grpo-seed-1');

    const second = await matrix(['--resume', '--json']);
    expect(second.code, second.stderr).toBe(0);
    expect(log('grpo-seed-1')).toBe(finished);
    const summaries = second.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { method: string; seed: number });
    expect(summaries.map(({ method, seed }) => `${method} ${seed}`)).toEqual([
      'grpo 1',
      'random-reward 1',
      'grpo 2',
      'random-reward 2',
    ]);
    // The same seed has the same problems, whatever the method.
    const problems = ['grpo-seed-1', 'random-reward-seed-1', 'grpo-seed-2'].map((run) => {
      const started = eventsOf(run)[0];
      return started?.type === 'run.started' ? started.problems : null;
    });
    expect(problems[0]).toEqual(problems[1]);
    expect(problems[0]).not.toEqual(problems[2]);

    // The comparison of all four is made once the last one has ended, and made again from the
    // folders.
    const comparison = join(out, 'comparison.json');
    const made = readFileSync(comparison, 'utf8');
    expect(JSON.parse(made)).toMatchObject({
      version: 1,
      reference: 'grpo',
      label: expect.stringMatching(/^demonstration, not evidence/) as unknown,
      arms: [
        { name: 'grpo', seeds: [1, 2], difference: null },
        { name: 'random-reward', seeds: [1, 2], difference: { greedy: {}, sampled: {} } },
      ],
    });
    expect(second.stderr).toMatch(
      /gain minus that of grpo +greedy +p +sampled +p +by seed\nrandom-reward +\S/,
    );
    rmSync(comparison);
    const third = await matrix(['--resume']);
    expect(third.code, third.stderr).toBe(0);
    expect(readFileSync(comparison, 'utf8')).toBe(made);
  },
);
