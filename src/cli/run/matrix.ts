import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { differences } from '../../lib/differences.ts';
import { DEFAULT_METHOD, type Method, type RunConfig } from '../../schema/config.ts';
import { UsageError } from '../args.ts';
import { configOf, readConfig, type Place } from './config.ts';
import { refuseForeignFlags, type RunFlags } from './flags.ts';

export interface Job {
  readonly folder: string;
  readonly config: RunConfig;
  /** The folder holds a run that began, finished or not. */
  readonly begun: boolean;
}

/**
 * Every run of the command in the order they are run, all of them checked before the first one
 * starts.
 */
export async function jobsOf(flags: RunFlags): Promise<Job[]> {
  const out = resolve(flags.out);
  const seeds = flags.seeds?.map(parseSeed);
  refuseTwice('--method', flags.method);
  refuseTwice('--seeds', seeds);
  const alone = seeds === undefined && (flags.method?.length ?? 1) === 1;
  // A single run goes on by its own configuration; of a matrix the command says it all, also for
  // what has not started.
  const stored =
    alone && flags.resume && logBytes(out) !== null
      ? await readConfig(join(out, 'config.json'))
      : null;
  if (alone && flags.resume && !stored)
    throw new UsageError(`--resume: there is no run in ${out}.`);
  const base = flags.config === undefined ? stored : await readConfig(flags.config);
  const methods = flags.method ?? [base?.method ?? DEFAULT_METHOD];
  refuseForeignFlags(flags, methods);

  const jobs: Job[] = [];
  // Seeds outermost: the methods can be read against each other from the first seed on.
  const seed = flags.set.get('seed') as number | undefined;
  for (const each of seeds ?? [seed]) {
    for (const method of methods) {
      const place: Place = { method, seed: each, base, compared: methods.length > 1 };
      const config = await configOf(flags, place);
      const folder = alone ? out : join(out, folderName(method, config.seed, methods.length > 1));
      jobs.push(
        await checked({ folder, config, begun: (logBytes(folder) ?? 0) > 0 }, flags.resume),
      );
    }
  }
  return jobs;
}

function refuseTwice(flag: string, words: readonly (string | number)[] = []): void {
  const twice = words.find((word, index) => words.indexOf(word) < index);
  if (twice !== undefined) throw new UsageError(`${flag} names ${twice} twice.`);
}

function folderName(method: Method, seed: number, several: boolean): string {
  return several ? `${method}-seed-${seed}` : `seed-${seed}`;
}

/**
 * Bytes of the log of the run in `folder`; null where there is no run. One that was refused while
 * it opened left none.
 */
function logBytes(folder: string): number | null {
  if (!existsSync(join(folder, 'config.json'))) return null;
  return statSync(join(folder, 'events.jsonl'), { throwIfNoEntry: false })?.size ?? null;
}

async function checked(job: Job, resume: boolean): Promise<Job> {
  if (!job.begun) return job;
  if (!resume)
    throw new UsageError(
      `--out ${job.folder} holds a run already; add --resume to continue it, or choose another folder.`,
    );
  const stored = await readConfig(join(job.folder, 'config.json'));
  // A precision that nobody chose is the plan's, at the start: it goes on with that.
  const config = { ...job.config, weights: job.config.weights ?? stored.weights };
  const differ = differences(stored, config);
  if (differ.length === 0) return { ...job, config };
  const said = differ.map(
    ({ path, first, second }) => `${path} ${JSON.stringify(first)}, now ${JSON.stringify(second)}`,
  );
  throw new UsageError(
    `The run in ${job.folder} began with other settings (${said.join('; ')}); repeat the ` +
      'command it began with, or choose another --out.',
  );
}

function parseSeed(word: string): number {
  const seed = Number(word);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new UsageError(`--seeds takes whole numbers from 0 to 4294967295, \`${word}\` is none.`);
  return seed;
}
