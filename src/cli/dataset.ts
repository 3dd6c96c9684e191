import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { bySplit, parseProblems, type LoadedProblem } from '../data/datasets.ts';
import { chooseProblems, type ProblemSets } from '../data/order.ts';
import type { RunConfig } from '../schema/config.ts';
import { UsageError } from './args.ts';
import { readText } from './io.ts';

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
  if (/\.(gz|parquet)$/.test(name))
    throw new Error(`${name}: this version reads MBPP's jsonl and json; unpack the file first.`);
  const parts = await Promise.all(files.map(async (file) => parseProblems(await readText(file, 'The data set'), file)));
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
