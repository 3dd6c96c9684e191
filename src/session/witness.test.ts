import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { METHOD_NAMES } from '../schema/config.ts';
import { FolderStore } from '../storage/node/folder-store.ts';
import witness from './fixtures/witness.json';
import { OBJECTIVE, SCHEDULE } from '../settings/objective.ts';
import { standards } from '../settings/setting.ts';
import { Run } from './run.ts';
import { configOf, letterLab } from './testing/letter-lab.ts';

/*
 * One recorded run of each method on the toy task, by a CPU engine: its log, columns and adapters as
 * hashes. They were recorded at version 0.1.0. A change that moves them changes what a method does,
 * so it has to be meant, and said in CHANGELOG.md.
 */

const NOT_COMPARED = new Set([
  'seq',
  'time',
  'runId',
  'tokensPerSecond',
  'checkpointBytes',
  'bytes',
]);

/** Parts of a configuration that came later, where they say what runs did before them. */
const LATER = new Map([
  ['objective', JSON.stringify(sorted(standards(OBJECTIVE, false)))],
  ['schedule', JSON.stringify(sorted(standards(SCHEDULE, false)))],
]);

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}

/** The log without what depends on time, its lines sorted: verdicts come in any order. */
function meaning(log: string): string {
  const kept = (name: string, value: unknown) =>
    NOT_COMPARED.has(name) ||
    /(ms|seconds)$/i.test(name) ||
    (LATER.has(name) && JSON.stringify(value) === LATER.get(name))
      ? undefined
      : value;
  return log
    .trim()
    .split('\n')
    .map((line) => JSON.stringify(sorted(JSON.parse(line)), kept as never))
    .filter((line) => !line.includes('"checkpoint.saved"'))
    .sort()
    .join('\n');
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

it.each(METHOD_NAMES)('a run of %s does what it did', async (method) => {
  const root = mkdtempSync(join(tmpdir(), 'witness-'));
  const config = { ...configOf(method), steps: 6 };
  await (await Run.create(letterLab(new FolderStore(root)).ports, 'r', config)).go();
  const file = (path: string) => readFileSync(join(root, 'r', path));
  const found = {
    log: sha256(meaning(file('events.jsonl').toString())),
    tokens: sha256(file('tokens.bin')),
    student: sha256(file('adapter/adapter.bin')),
    ...(method === 'reflkd' ? { reflector: sha256(file('reflector/adapter.bin')) } : {}),
  };
  expect(found).toEqual((witness as Record<string, unknown>)[method]);
});
