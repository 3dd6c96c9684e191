import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bySplit, parseProblems } from '../data/datasets.ts';
import { chooseProblems, type ProblemSets } from '../data/order.ts';
import type { LoadedProblem } from '../data/problem.ts';
import type { RunConfig } from '../schema/config.ts';
import { UsageError } from './args.ts';
import { readBytes } from './io.ts';

const NAMED = ['mbpp', 'mbpp-sanitized', 'mbpp+', 'humaneval', 'humaneval+'];

/** `starter` stays as it is, a file becomes absolute; anything else is a sentence. */
export async function resolveDataset(dataset: string): Promise<string> {
  if (dataset === 'starter') return dataset;
  const file = resolve(dataset);
  const info = await stat(file).catch(() => null);
  if (info?.isFile()) return file;
  if (NAMED.includes(dataset)) {
    throw new UsageError(
      `--dataset ${dataset}: this version does not download data sets; give the file, e.g. --dataset mbpp.jsonl.`,
    );
  }
  throw new UsageError(
    `--dataset ${dataset}: there is no such file; give a problem file (MBPP's jsonl or json), or starter.`,
  );
}

/** All problems of a data set. */
export async function loadProblems(dataset: string, root: string): Promise<LoadedProblem[]> {
  const name = await resolveDataset(dataset);
  const files =
    name === 'starter'
      ? ['train', 'validation', 'test'].map((split) => join(root, 'public', 'problems', `starter-${split}.jsonl`))
      : [name];
  const parts = await Promise.all(files.map(async (file) => parseProblems(await readMaybeZipped(file), file)));
  return parts.flat();
}

/** The problems a run draws from its data set. */
export async function problemsOf(config: RunConfig, root: string): Promise<ProblemSets> {
  const sets = bySplit(await loadProblems(config.dataset, root));
  return {
    train: chooseProblems(sets.train, config.train, config.seed, 'train'),
    val: chooseProblems(sets.val, config.val, config.seed, 'validation'),
    test: chooseProblems(sets.test, config.test, config.seed, 'test'),
  };
}

/** Text of a file, unpacked where it is gzip by its first bytes. */
async function readMaybeZipped(file: string): Promise<string> {
  const bytes = await readBytes(file, 'The data set');
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return (zipped ? gunzipSync(bytes) : bytes).toString('utf8');
}
