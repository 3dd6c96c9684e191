import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../lib/errors.ts';
import { Rng } from '../lib/rng.ts';
import { FolderStore } from '../storage/node/folder-store.ts';
import { Run } from './run.ts';
import { letterConfig, letterLab } from './testing/letter-lab.ts';

/* A run that was paused in the middle, its folder damaged in many ways, then resumed. */

const scratch = mkdtempSync(join(tmpdir(), 'damage-'));
const whole = join(scratch, 'whole');
const paused = join(scratch, 'paused');
const config = { ...letterConfig, checkpointEvery: 1 };

beforeAll(async () => {
  await (await Run.create(letterLab(new FolderStore(whole)).ports, 'r', config)).go();
  const lab = letterLab(new FolderStore(paused));
  const run = await Run.create(lab.ports, 'r', config);
  const { onStatus } = lab.ports;
  lab.ports.onStatus = (status) => {
    onStatus(status);
    if (status.state === 'running' && status.step === 6 && !status.pausing) run.pause();
  };
  await run.go();
});

const file = (root: string, name: string) => join(root, 'r', name);
const checkpoints = (root: string) =>
  readdirSync(file(root, 'checkpoints'))
    .sort()
    .map((name) => file(root, `checkpoints/${name}`));
function cut(path: string, bytes: number): void {
  writeFileSync(path, readFileSync(path).subarray(0, bytes));
}
function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1 << (at % 8);
  writeFileSync(path, bytes);
}
const size = (path: string) => statSync(path).size;

/** Every file below a run's folder, by its path. */
function contents(root: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(join(root, 'r'), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      files.set(path, readFileSync(path, 'latin1'));
    }
  return files;
}

/** Damages a copy of the paused run, resumes it, and says what became of it. */
async function resumed(damage: (root: string) => void) {
  const root = mkdtempSync(join(scratch, 'copy-'));
  cpSync(paused, root, { recursive: true });
  damage(root);
  const before = contents(root);
  const lab = letterLab(new FolderStore(root));
  try {
    await (await Run.resume(lab.ports, 'r')).go();
  } catch (error) {
    return { said: messageOf(error), kept: true, before, after: contents(root), same: false };
  }
  const adapter = 'adapter/adapter.bin';
  const same = readFileSync(file(root, adapter)).equals(readFileSync(file(whole, adapter)));
  const warned = lab.events.flatMap((e) => (e.type === 'warning.raised' ? [e.message] : []));
  return { said: warned.join('\n'), kept: false, before, after: contents(root), same };
}

describe('a damaged run that is resumed', () => {
  it.each<[string, (root: string) => void, RegExp]>([
    [
      'without checkpoints',
      (root) => rmSync(file(root, 'checkpoints'), { recursive: true }),
      /has no checkpoint, and its log holds \d+ events.*put the missing file back.*start a new run/,
    ],
    [
      'with every checkpoint cut off',
      (root) => checkpoints(root).forEach((path) => cut(path, 300)),
      /no checkpoint that can be used.*0000\d\d\.ckpt: .*damaged/s,
    ],
    [
      'with every checkpoint empty',
      (root) => checkpoints(root).forEach((path) => cut(path, 0)),
      /0 bytes are no checkpoint/,
    ],
    [
      'with an empty log',
      (root) => cut(file(root, 'events.jsonl'), 0),
      /needs \d+ bytes of events\.jsonl, which has 0/,
    ],
    ['without its log', (root) => rmSync(file(root, 'events.jsonl')), /which has 0 whole ones/],
    [
      'without its token columns',
      (root) => rmSync(file(root, 'tokens.bin')),
      /bytes of tokens\.bin, which has 0/,
    ],
    [
      'with half of a log of zero bytes',
      (root) => {
        const path = file(root, 'events.jsonl');
        writeFileSync(path, readFileSync(path).fill(0, 2000));
      },
      /which has \d+ whole ones/,
    ],
    [
      'with other line ends',
      (root) => {
        const path = file(root, 'events.jsonl');
        writeFileSync(path, readFileSync(path, 'utf8').replaceAll('\n', '\r\n'));
      },
      /events\.jsonl held \d+ events.*hold \d+ now, so the file was changed/,
    ],
    [
      'with a damaged line in the middle',
      (root) => {
        const path = file(root, 'events.jsonl');
        writeFileSync(path, readFileSync(path, 'utf8').replace('{"seq":3', '{"sxq":3'));
      },
      /Line 4 of this log is damaged/,
    ],
    [
      'with another learning rate',
      (root) => {
        const path = file(root, 'config.json');
        writeFileSync(
          path,
          readFileSync(path, 'utf8').replace('"learningRate": 0.5', '"learningRate": 0.25'),
        );
      },
      /learningRate 0\.5 in the log, 0\.25 in config\.json/,
    ],
    ['without config.json', (root) => rmSync(file(root, 'config.json')), /no config\.json/],
    ['with half a config.json', (root) => cut(file(root, 'config.json'), 100), /does not parse/],
    [
      'with a file for a folder',
      (root) => {
        rmSync(file(root, 'checkpoints'), { recursive: true });
        writeFileSync(file(root, 'checkpoints'), 'x');
      },
      /checkpoints cannot be made/,
    ],
  ])('%s says why and keeps every byte', async (_, damage, sentence) => {
    const { said, kept, before, after } = await resumed(damage);
    expect(said).toMatch(sentence);
    expect(kept).toBe(true);
    for (const [path, text] of before)
      expect([path, after.get(path) === text]).toEqual([path, true]);
  });

  it.each<[string, (root: string) => void, RegExp]>([
    [
      'its newest checkpoint cut off',
      (root) => cut(checkpoints(root).at(-1)!, 200),
      /damaged.*continues from the checkpoint of step \d, exactly/,
    ],
    [
      'a foreign file among its checkpoints',
      (root) => writeFileSync(file(root, 'checkpoints/999999.ckpt'), 'ATCK and no more'),
      /999999\.ckpt.*continues/,
    ],
    [
      'a folder among its checkpoints',
      (root) => mkdirSync(file(root, 'checkpoints/999999.ckpt')),
      /999999\.ckpt.*continues/,
    ],
    [
      'a torn last line',
      (root) => cut(file(root, 'events.jsonl'), size(file(root, 'events.jsonl')) - 9),
      /^$|continues/,
    ],
  ])(
    'with %s ends in the same bytes, and says what it passed over',
    async (_, damage, sentence) => {
      const { said, same } = await resumed(damage);
      expect(said).toMatch(sentence);
      expect(same).toBe(true);
    },
  );

  it('with any byte flipped or any tail lost, never begins anew over what it has', async () => {
    const rng = new Rng(11);
    const names = ['events.jsonl', 'tokens.bin', 'config.json', 'checkpoints'];
    for (let trial = 0; trial < 60; trial++) {
      const name = names[trial % names.length]!;
      const cutting = trial % 3 === 0;
      const { before, after, same } = await resumed((root) => {
        const paths = name === 'checkpoints' ? checkpoints(root) : [file(root, name)];
        for (const path of paths) (cutting ? cut : flip)(path, rng.int(size(path)));
      });
      const path = [...before.keys()].find((p) => p.endsWith('events.jsonl'))!;
      const first = before.get(path)!.split('\n')[0];
      // Finished in the same bytes, or refused with all it has: the first line is there either way.
      if (!same && first !== '') expect(after.get(path)!.split('\n')[0]).toBe(first);
    }
  });
});

it('a run that was killed before its first checkpoint begins again', async () => {
  const root = mkdtempSync(join(scratch, 'young-'));
  const store = new FolderStore(root);
  const lab = letterLab({
    list: () => store.list(),
    delete: (id) => store.delete(id),
    open: async (id) => {
      const run = await store.open(id);
      run.saveCheckpoint = () => Promise.reject(new Error('killed'));
      return run;
    },
  });
  await expect(Run.create(lab.ports, 'r', config)).rejects.toThrow('killed');
  expect(size(file(root, 'events.jsonl'))).toBeGreaterThan(0);
  expect(existsSync(file(root, 'run.lock'))).toBe(false);
  const again = await (await Run.resume(letterLab(store).ports, 'r')).go();
  expect(again.state).toBe('finished');
});
