import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unzip } from '../lib/zip.ts';
import type { Tokenizer } from '../model/text/tokenizer.ts';
import { decodeDistillationBlock, decodeTokenBlock } from '../schema/columns.ts';
import type { RunEvent } from '../schema/events.ts';
import { Run } from '../session/run.ts';
import { configOf, letterLab, letterProblem } from '../session/testing/letter-lab.ts';
import { createSessionClient } from '../state/client.ts';
import { FolderStore } from '../storage/node/folder-store.ts';
import { openReport } from '../viewer/report.ts';
import { reportArchiveOf, reportPage } from './report/page.ts';
import { readRun } from './report/runs.ts';
import { afterthought } from './testing/afterthought.ts';

const root = mkdtempSync(join(tmpdir(), 'report-'));
const place = (name: string) => join(root, name);
const out = place('report.html');
const HOSTILE = '</script><script>alert(1)</script> <!-- “é 日本 🦉” \u2028';
let events: readonly RunEvent[];

/** Of the letters task: one character a token, the end token included. */
const letters = {
  encode: () => [] as number[],
  pieces: (ids: readonly number[]) => ({
    text: ids.map((id) => (id === 0 ? '\n' : id <= 8 ? 'abcdefgh'[id - 1] : '#')).join(''),
    ends: Uint32Array.from(ids, (_, i) => i + 1),
  }),
} as unknown as Tokenizer;

beforeAll(async () => {
  const lab = letterLab(new FolderStore(place('matrix')));
  const train = Array.from({ length: 6 }, (_, k) => ({
    ...letterProblem('train', k),
    text: `${k} ${HOSTILE}`,
  }));
  const ports = {
    ...lab.ports,
    problems: async () => ({ train, val: [], test: [letterProblem('test', 0)] }),
  };
  const config = { ...configOf('reflkd'), steps: 3, test: 1 };
  for (const [name, seed] of [
    ['b', 5],
    ['a', 6],
  ] as const)
    await (await Run.create(ports, name, { ...config, seed })).go();
  events = lab.events.slice(0, lab.events.findIndex(({ type }) => type === 'run.finished') + 1);
  mkdirSync(place('matrix/b/adapter'), { recursive: true });
  writeFileSync(place('matrix/b/adapter/adapter_model.safetensors'), 'weights');
  mkdirSync(place('matrix/c')); // a run that was refused while it opened
  writeFileSync(place('matrix/c/events.jsonl'), '');
});
afterAll(() => rmSync(root, { recursive: true }));

const report = (...words: string[]) => afterthought(['report', '--model', 'nano', ...words]);

describe('what a report holds', () => {
  async function opened() {
    const run = await readRun(
      place('matrix/b'),
      async () => letters,
      () => true,
    );
    const archive = await reportArchiveOf([run], 1_000_000);
    const { index, channel } = await openReport(archive);
    const client = createSessionClient(channel, {
      events: () => 0,
      evaluation: () => 0,
      model: () => 0,
      status: () => 0,
      elsewhere: () => 0,
      broken: () => 0,
    });
    return { archive, index, client };
  }

  it('is every event, the tokens of every rollout and of every target, each with its text', async () => {
    const { client, index } = await opened();
    expect(index).toMatchObject({
      madeAt: 1_000_000,
      runs: [{ runId: 'b', step: 3, state: 'finished' }],
    });
    expect(await client.ask({ type: 'runs' })).toEqual(index.runs);
    expect(await client.ask({ type: 'log', runId: 'b' })).toEqual(events);
    expect(
      events.some((event) => event.type === 'rollout.completed' && event.prompt.includes(HOSTILE)),
    ).toBe(true);

    const completions = events.filter((event) => event.type === 'rollout.completed');
    for (const { id: rollout, text, tokens, finish } of completions) {
      const answer = await client.ask({ type: 'tokens', runId: 'b', rollout });
      expect(decodeTokenBlock(new Uint8Array(answer.block)).ids).toHaveLength(tokens);
      expect(answer.text.join('')).toBe(finish === 'eos' ? `${text}\n` : text);
    }
    const targets = events.filter((event) => event.type === 'target.distilled');
    expect(targets.length).toBeGreaterThan(0);
    for (const { rollout } of targets) {
      const { block, texts } = await client.ask({ type: 'distillation', runId: 'b', rollout });
      const named = new Map(texts);
      const { ids, teacher } = decodeDistillationBlock(new Uint8Array(block));
      for (const id of [...ids, ...teacher.ids])
        expect(named.get(id)).toBe(letters.pieces([id]).text);
    }
  });

  it('is nothing that can be started, and no run but its own', async () => {
    const { client } = await opened();
    await expect(client.ask({ type: 'resume', runId: 'b' })).rejects.toThrow(
      'A report can be read only',
    );
    await expect(client.ask({ type: 'log', runId: 'a' })).rejects.toThrow(
      'This report holds no run a.',
    );
  });

  it(
    'is in its page as base64: no text of a model or a folder is markup, and only the own ' +
      'script may run',
    async () => {
      const { archive } = await opened();
      const bundle = {
        script: 'const said = "</script><!--";',
        style: 'a::before { content: "</style>" }',
      };
      let page = '';
      for await (const part of reportPage(`of ${HOSTILE}`, archive, {
        root: process.cwd(),
        viewer: async () => bundle,
      }))
        page += part;
      expect(page.match(/<\/script/gi)).toHaveLength(2);
      expect(page.match(/<\/style/gi)).toHaveLength(1);
      expect(page).not.toContain('<!--');
      expect(page).toContain('<title>of &#60;/script&#62;&#60;script&#62;alert(1)');
      expect(page).toContain("script-src 'sha256-");
      expect(page).not.toContain("script-src 'unsafe-inline'");
      const [, base64 = ''] = /type="application\/zip">([^<]*)</.exec(page) ?? [];
      const files = await unzip(new Blob([Buffer.from(base64, 'base64')]), 'it');
      const log = files.find(({ path }) => path === 'runs/b/events.jsonl')!;
      expect(Buffer.from(await log.file.arrayBuffer())).toEqual(
        readFileSync(place('matrix/b/events.jsonl')),
      );
    },
  );
});

describe('report', { timeout: 60_000 }, () => {
  const pageOf = async (file: string) => {
    const [, base64 = ''] =
      /type="application\/zip">([^<]*)</.exec(readFileSync(file, 'utf8')) ?? [];
    return (await unzip(new Blob([Buffer.from(base64, 'base64')]), file)).map(({ path }) => path);
  };

  it('takes a matrix by its folder, says which run has not begun, and leaves the folders as they are', async () => {
    const before = statSync(place('matrix/b')).mtimeMs;
    const { code, stdout, stderr } = await report(place('matrix'), '--out', out, '--json');
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ out, runs: ['a', 'b'], bytes: statSync(out).size });
    expect(stderr).toContain('c is left out: its run has not begun.');
    expect(stderr).not.toContain('No comparison');
    expect(await pageOf(out)).toEqual(
      expect.arrayContaining([
        'runs/a/events.jsonl',
        'runs/b/tokens.bin',
        'runs/b/adapter/adapter_model.safetensors',
      ]),
    );
    expect(statSync(place('matrix/b')).mtimeMs).toBe(before);
  });

  it(
    'takes single runs in the order given, one that was torn up to its last whole event, says ' +
      'why they do not compare, and leaves adapters out when told',
    async () => {
      cpSync(place('matrix/b'), place('torn'), { recursive: true });
      truncateSync(place('torn/events.jsonl'), statSync(place('torn/events.jsonl')).size - 9);
      const { code, stdout, stderr } = await report(
        '--no-adapters',
        place('torn'),
        place('matrix/a'),
        place('torn/'),
        '--out',
        out,
        '--json',
      );
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ runs: ['b', 'a'] });
      expect(stderr).toContain('No comparison: Run b is not finished (3 steps so far)');
      expect((await pageOf(out)).filter((path) => path.includes('adapter'))).toEqual([]);
    },
  );

  it.each([
    ['no runs', () => [], 2, 'Of which runs?'],
    ['no folder', () => [place('nowhere')], 1, `There is no folder ${place('nowhere')}`],
    ['a folder without runs', () => [place('matrix/b/adapter')], 1, 'holds no events.jsonl'],
    ['a run that has not begun', () => [place('matrix/c')], 1, 'has not begun'],
    [
      'a log of another version',
      () => [place('other')],
      1,
      'cannot be read by this version: This run log holds an event that does not parse',
    ],
    ['two runs of one name', () => [place('matrix/b'), place('copy')], 1, 'are both called b'],
    ['tokens that are cut short', () => [place('short')], 1, 'tokens.bin of run b is cut short'],
    ['an --out that is a folder', () => [place('matrix/b'), '--out', root], 1, 'it is a folder'],
  ] as const)('refuses %s in one sentence', async (_, words, code, sentence) => {
    for (const name of ['other', 'copy', 'short'])
      cpSync(place('matrix/b'), place(name), { recursive: true });
    writeFileSync(
      place('other/events.jsonl'),
      '{"type":"run.started","seq":0,"time":0,"version":99}\n',
    );
    truncateSync(place('short/tokens.bin'), 100);
    const given = words();
    const answer = await report(...given, ...(given.includes('--out') ? [] : ['--out', out]));
    expect(answer.stderr).toContain(sentence);
    expect(answer.stderr.trim().split('\n')).toHaveLength(1);
    expect(answer).toMatchObject({ code, stdout: '' });
  });

  it('names the model’s folder that it cannot find, and the flag that gives another', async () => {
    const { code, stderr } = await afterthought(['report', place('matrix/b'), '--out', out]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--model letters: there is no such folder/);
  });
});
