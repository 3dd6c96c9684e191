import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../lib/rng.ts';
import { nodeRunPorts } from './commands/run.ts';
import type { Grader } from '../eval/grader.ts';
import { openGrader } from './grader.ts';
import { presetOf } from '../session/presets.ts';
import { Run } from '../session/run.ts';
import type { RunConfig } from '../schema/config.ts';

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/afterthought');
const SEED = 11;
/** Small enough to be interrupted often, large enough that every phase is hit. */
const SHAPE = {
  train: 12,
  test: 2,
  steps: 4,
  group: 6,
  problemsPerStep: 2,
  maxTokens: 48,
  evalSamples: 1,
  timeoutSeconds: 20,
  checkpointEvery: 1,
};
const FLAGS = [
  'run',
  '--model',
  'nano',
  '--dataset',
  'starter',
  '--train',
  '12',
  '--test',
  '2',
  '--steps',
  '4',
  '--group',
  '6',
  '--problems-per-step',
  '2',
  '--max-tokens',
  '48',
  '--eval-samples',
  '1',
  '--timeout',
  '20',
  '--seed',
  String(SEED),
];

function afterthought(
  args: readonly string[],
  killAfterMs: number | null,
): Promise<{ code: number | null; killed: boolean; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const timer =
      killAfterMs === null ? null : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (timer) clearTimeout(timer);
      resolve({ code, killed: signal === 'SIGKILL', stderr });
    });
  });
}

describe('a run that is interrupted ten times ends in the bytes of one that is not', () => {
  let folder: string;
  let straight: Buffer;
  let wallMs: number;
  const adapterOf = (run: string) =>
    readFile(join(folder, run, 'adapter/adapter_model.safetensors'));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afterthought-interrupt-'));
    const started = performance.now();
    const { code, stderr } = await afterthought(
      [...FLAGS, '--out', join(folder, 'straight')],
      null,
    );
    expect(code, stderr).toBe(0);
    wallMs = performance.now() - started;
    straight = await adapterOf('straight');
    const summary = JSON.parse(await readFile(join(folder, 'straight/summary.json'), 'utf8')) as {
      tokens: { trained: number };
    };
    expect(
      summary.tokens.trained,
      'the run must train, or equal bytes would mean nothing',
    ).toBeGreaterThan(0);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('killed with SIGKILL', async () => {
    const rng = new Rng(SEED);
    const out = join(folder, 'killed');
    let kills = 0;
    let begun = false;
    for (let attempt = 0; attempt < 40; attempt++) {
      // Short lives at first, then longer ones, so that starts and steps are both hit; then it may
      // finish.
      const life = kills < 10 ? wallMs * (0.1 + 0.5 * rng.uniform()) : null;
      const { code, killed, stderr } = await afterthought(
        [...FLAGS, '--out', out, ...(begun ? ['--resume'] : [])],
        life,
      );
      if (killed) kills += 1;
      else if (code !== 0 && !begun) throw new Error(stderr);
      begun = await readFile(join(out, 'config.json')).then(
        () => true,
        () => false,
      );
      if (!killed && code === 0 && kills >= 10) break;
      if (!killed && code === 0) {
        // It finished before ten kills: the bytes must be right already, and it starts over to be
        // interrupted further.
        expect(Buffer.compare(await adapterOf('killed'), straight)).toBe(0);
        await rm(out, { recursive: true });
        begun = false;
      }
    }
    expect(kills).toBeGreaterThanOrEqual(10);
    expect(Buffer.compare(await adapterOf('killed'), straight)).toBe(0);
  });

  it('with the device destroyed under it', async () => {
    const grader: Grader = openGrader();
    try {
      const rng = new Rng(SEED, 1);
      const config: RunConfig = { ...presetOf('grpo', 'nano'), ...SHAPE, seed: SEED };
      const ports = nodeRunPorts(folder, ROOT, grader);
      let losses = 0;
      let timer: NodeJS.Timeout | undefined;
      const openModel: typeof ports.openModel = async (c, sets) => {
        clearTimeout(timer);
        const opened = await ports.openModel(c, sets);
        const lose = () => {
          losses += 1;
          opened.engine.destroy();
        };
        if (losses < 10) timer = setTimeout(lose, wallMs * (0.01 + 0.2 * rng.uniform()));
        return opened;
      };
      for (let round = 0; losses < 10 && round < 10; round++) {
        const id = `lost-${round}`;
        let run = await Run.create({ ...ports, openModel }, id, config);
        // A run pauses after three losses without a step in between; here it simply goes on.
        while ((await run.go()).state !== 'finished')
          run = await Run.resume({ ...ports, openModel }, id);
        clearTimeout(timer);
        expect(Buffer.compare(await adapterOf(id), straight)).toBe(0);
      }
      expect(losses).toBeGreaterThanOrEqual(10);
    } finally {
      await grader.close();
    }
  });
});
