import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CATALOG } from '../data/catalog.ts';
import { bySplit, namedProblems, readProblems } from '../data/datasets.ts';
import { chooseProblems, type ProblemSets } from '../data/order.ts';
import type { LoadedProblem } from '../data/problem.ts';
import { nearest } from '../lib/format.ts';
import type { RunConfig } from '../schema/config.ts';
import { UsageError } from './args.ts';
import { cachedFiles, type CacheOptions } from './dataset-cache.ts';
import { readBytes } from './io.ts';

const NAMES = ['starter', ...CATALOG.map((entry) => entry.name)];

/** What --dataset takes, for the help of commands. */
export const DATASET_VALUE = [...NAMES, 'FILE'].join('|');

/** A name stays as it is, a file becomes absolute; anything else is a sentence. */
export async function resolveDataset(dataset: string): Promise<string> {
  if (NAMES.includes(dataset)) return dataset;
  const file = resolve(dataset);
  const info = await stat(file).catch(() => null);
  if (info?.isFile()) return file;
  const guess = nearest(dataset, NAMES);
  throw new UsageError(
    `--dataset ${dataset}: there is no such file${guess ? ` (did you mean ${guess}?)` : ''}; ` +
      `give ${NAMES.join(', ')} or a problem file (jsonl, json, jsonl.gz or parquet).`,
  );
}

/** All problems of a data set: the starter's, a named set's (fetched and cached) or a file's. */
export async function loadProblems(
  dataset: string,
  root: string,
  cache: CacheOptions = {},
): Promise<LoadedProblem[]> {
  const name = await resolveDataset(dataset);
  const entry = CATALOG.find((known) => known.name === name);
  if (entry !== undefined) {
    return namedProblems(entry, await cachedFiles(entry, cache));
  }
  const files =
    name === 'starter'
      ? ['train', 'validation', 'test'].map((split) =>
          join(root, 'public', 'problems', `starter-${split}.jsonl`),
        )
      : [name];
  const parts = files.map(async (file) =>
    readProblems(new Uint8Array(await readBytes(file, 'The data set')), file),
  );
  return (await Promise.all(parts)).flat();
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
