import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../lib/rng.ts';
import type { FileSource } from '../model/weights/source.ts';
import { writeWhole } from './model-folders.ts';
import { openStored, type TransferOptions } from './models.ts';
import { HubServer } from './testing/hub-server.ts';
import { filesBelow, PLACES, type ModelLab } from './testing/model-lab.ts';
import type { TransferProgress } from './transfer.ts';

const REPO = 'lab/nano';
const ID = `${REPO}:stored`;
const FOLDER = 'lab--nano--stored';
const WEIGHTS = 'model.safetensors';

const nano = filesBelow(join(import.meta.dirname, '../../public/models/nano'));

let server: HubServer;
let lab: ModelLab;
let progress: TransferProgress[];

function options(change: Partial<TransferOptions> = {}): TransferOptions {
  const signal = new AbortController().signal;
  return { precision: 'stored', signal, onProgress: (step) => progress.push(step), ...change };
}

const download = (change: Partial<TransferOptions> = {}) =>
  lab.store(server.endpoint).download(REPO, options(change));

/** Every file of `source` is the server's, byte for byte. */
async function expectTrue(
  source: FileSource,
  paths: readonly string[] = [WEIGHTS, 'config.json', 'tokenizer.json'],
) {
  for (const path of paths) {
    const bytes = (await source.read(path)) ?? new Uint8Array();
    expect([path, sha256(bytes)]).toEqual([path, sha256(server.files.get(path)!)]);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** First bytes of the requests for a file's content. */
const starts = (path: string) =>
  server.asked
    .filter((line) => line.startsWith(`cdn ${path} `))
    .map((line) => Number(line.split(' ')[2]));
const notes = () => progress.map(({ note }) => note).filter((note) => note !== null);

describe.each(Object.entries(PLACES))('a model of the hub in %s', (_place, open) => {
  beforeEach(async () => {
    server = await HubServer.start(REPO, nano);
    lab = open();
    progress = [];
  });
  afterEach(() => server.close());

  it('arrives byte for byte, and is opened afterwards without a request', async () => {
    await expectTrue(await download());
    const asked = server.asked.length;
    expect(await lab.store(server.endpoint).open(ID)).not.toBeNull();
    await expectTrue(await download());
    expect(server.asked.length).toBe(asked);
    expect(await lab.store(server.endpoint).list()).toMatchObject([
      {
        id: ID,
        repo: REPO,
        licence: 'apache-2.0',
        complete: true,
        problem: null,
        commit: server.commit,
      },
    ]);
    expect(await lab.folders().folder(FOLDER).files()).not.toContain('download.jsonl');
  });

  it('goes on where the connection was cut, at ten random bytes, and is true to its hash', async () => {
    const size = nano.get(WEIGHTS)!.length;
    const rng = new Rng(7);
    const cuts = Array.from({ length: 10 }, () => 1 + rng.int(size - 1)).sort((a, b) => a - b);
    for (const cutAt of cuts) server.faults.push({ at: 'cdn', path: WEIGHTS, times: 1, cutAt });
    await expectTrue(await download());
    // Each request goes on where the one before was cut, or a little before: a cut may swallow what
    // was on its way.
    const [first, ...later] = starts(WEIGHTS);
    expect([first, later.length]).toEqual([0, 10]);
    later.forEach((start, i) => expect(start).toBeLessThanOrEqual(cuts[i]!));
    expect(later).toEqual([...later].sort((a, b) => a - b));
    expect(later.at(-1)).toBeGreaterThan(0);
  });

  it('goes on from its last safe position when the process was killed in between', async () => {
    const killed = { at: 0 };
    // Nothing more is written from some moment on: as a killed process leaves it.
    const fetchUntil: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      if (!response.url.includes(WEIGHTS)) return response;
      const through = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, control) {
          killed.at += chunk.length;
          if (killed.at < 600_000) control.enqueue(chunk);
          // Otherwise silence, which the test does not wait for.
        },
      });
      return new Response(response.body!.pipeThrough(through), response);
    };
    const frozen = new AbortController();
    const first = lab
      .store(server.endpoint, { fetch: fetchUntil })
      .download(REPO, options({ signal: frozen.signal }));
    first.catch(() => undefined);
    const folder = lab.folders().folder(FOLDER);
    const safe = () =>
      folder.read('download.jsonl').then((bytes) => new TextDecoder().decode(bytes ?? undefined));
    const begun = (line: string) => line.includes('"at"') && line.includes(WEIGHTS);
    while (!(await safe()).split('\n').some(begun))
      await new Promise((ready) => setTimeout(ready, 5));
    frozen.abort();
    await first.catch(() => undefined);
    // The last lines are torn off, as if they had never been flushed.
    const journal = (await safe()).split('\n');
    const kept = journal.slice(0, journal.findIndex(begun) + 1);
    const torn = kept.join('\n') + '\n{"type":"at","pa';
    await writeWhole(folder, 'download.jsonl', new TextEncoder().encode(torn));
    const position = (JSON.parse(kept.at(-1)!) as { position: number }).position;
    expect(position).toBeGreaterThan(0);
    const before = starts(WEIGHTS).length;
    await expectTrue(await download());
    expect(starts(WEIGHTS).slice(before)).toEqual([position]);
  });

  it('is kept when it is called off, and goes on from there', async () => {
    server.pace = 2;
    const control = new AbortController();
    const off = download({
      signal: control.signal,
      onProgress: ({ file, done, total }) => {
        if (file === WEIGHTS && done > total / 2) control.abort(new Error('called off'));
      },
    });
    await expect(off).rejects.toThrow('called off');
    server.pace = 0;
    const [begun] = await lab.store(server.endpoint).list();
    expect(begun).toMatchObject({
      id: ID,
      complete: false,
      problem: expect.stringContaining('not finished') as string,
    });
    expect(begun!.done).toBeGreaterThan(begun!.total / 3);
    expect(await lab.store(server.endpoint).open(ID)).toBeNull();
    await expectTrue(await download());
    expect(starts(WEIGHTS)[1]).toBeGreaterThan(0);
  });

  it('is called off by a message, also while bytes come faster than they are converted', async () => {
    const control = new AbortController();
    const flood: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (init?.headers === undefined || !response.url.includes('/cdn/')) return response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      let at = 0;
      const body = new ReadableStream({
        pull: (stream) =>
          at < bytes.length ? stream.enqueue(bytes.slice(at, (at += 4096))) : stream.close(),
      });
      return new Response(body, { status: response.status, headers: response.headers });
    };
    const off = lab.store(server.endpoint, { fetch: flood }).download(server.repo, {
      precision: 'stored',
      signal: control.signal,
      onProgress: ({ file, done, total }) => {
        if (file === WEIGHTS && done > total / 2)
          setTimeout(() => control.abort(new Error('called off')));
      },
    });
    await expect(off).rejects.toThrow('called off');
  });

  it('is fetched once more when its hash is wrong, then refused in one sentence that keeps the rest', async () => {
    server.faults.push({ at: 'cdn', path: WEIGHTS, times: 1, spoil: true });
    await expectTrue(await download());
    expect(starts(WEIGHTS)).toEqual([0, 0]);
    expect(notes().join()).toMatch(
      /model\.safetensors came damaged \(its SHA-256 is \w+ and should be \w+\)/,
    );

    await lab.store(server.endpoint).delete(ID);
    server.faults.push({ at: 'cdn', path: WEIGHTS, spoil: true });
    await expect(download()).rejects.toThrow(
      /^model\.safetensors of lab\/nano came damaged twice: .* thrown away/,
    );
    const files = await lab.folders().folder(FOLDER).files();
    expect(files).toContain('tokenizer.json');
    expect(files).not.toContain(WEIGHTS);
    server.faults.length = 0;
    server.asked.length = 0;
    await expectTrue(await download());
    expect(server.asked.filter((line) => line.includes('tokenizer.json'))).toEqual([]);
  });

  it('holds small files against the hash that git has of them', async () => {
    server.faults.push({ at: 'resolve', path: 'tokenizer_config.json', spoil: true });
    await expect(download()).rejects.toThrow(
      /tokenizer_config\.json .* came damaged twice: its git SHA-1 is/,
    );
  });

  it('starts a file again that has changed in the middle, and says so', async () => {
    server.faults.push({ at: 'cdn', path: WEIGHTS, times: 1, cutAt: 300_000 });
    const other = new Uint8Array(nano.get(WEIGHTS)!);
    other[other.length - 10]! ^= 1;
    await expectTrue(
      await download({
        onProgress: (step) => {
          progress.push(step);
          if (step.state === 'waiting') server.files.set(WEIGHTS, other);
        },
      }),
    );
    const [first, second, ...third] = starts(WEIGHTS);
    expect([first, third]).toEqual([0, [0]]);
    expect(second).toBeGreaterThan(0);
    expect(notes().join()).toContain(
      'model.safetensors starts again: it has changed at the server',
    );
  });

  it('takes what the hub lists now when the commit it was begun at is gone', async () => {
    server.faults.push({ at: 'cdn', path: WEIGHTS, times: 1, cutAt: 300_000 });
    await download({
      onProgress: ({ state }) => {
        if (state === 'waiting') server.commit = 'ab'.repeat(20);
      },
    });
    expect(await lab.store(server.endpoint).list()).toMatchObject([
      { complete: true, commit: 'ab'.repeat(20) },
    ]);
  });

  it('gives up in one sentence on a file that is another one each time', async () => {
    let version = 0;
    server.faults.push({ at: 'cdn', path: WEIGHTS, cutAt: 300_000 });
    const fetchChanging: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      const headers = new Headers(response.headers);
      headers.set('etag', `"${version++}"`);
      return new Response(response.body, { status: response.status, headers });
    };
    const store = lab.store(server.endpoint, { fetch: fetchChanging });
    await expect(store.download(REPO, options())).rejects.toThrow(
      /is another one each time it is asked for/,
    );
  });

  it('waits as long as a busy server asks, and gives up after eight tries without a byte', async () => {
    server.faults.push({
      at: 'cdn',
      path: WEIGHTS,
      times: 2,
      status: 503,
      headers: { 'retry-after': '7' },
    });
    server.faults.push({ at: 'tree', times: 1, status: 429 });
    await expectTrue(await download());
    expect(lab.clock.waits).toEqual([750, 7_000, 7_000]);
    expect(notes()[0]).toMatch(/answers 429; the next try is in 0\.8 s/);

    await lab.store(server.endpoint).delete(ID);
    lab.clock.waits.length = 0;
    server.faults.push({ at: 'cdn', path: WEIGHTS, status: 502 });
    await expect(download()).rejects.toThrow(
      /answers 502; 8 tries in a row brought nothing\. What has come is kept/,
    );
    expect(lab.clock.waits).toEqual([750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000]);
    server.faults.length = 0;
    server.faults.push({
      at: 'cdn',
      path: WEIGHTS,
      times: 1,
      status: 503,
      headers: { 'retry-after': '3600' },
    });
    await expect(download()).rejects.toThrow(/asks to wait for 1 h 0 min/);
  });

  it('goes on after a connection that went quiet, and where the server ignores ranges', async () => {
    server.faults.push({ at: 'cdn', path: WEIGHTS, times: 1, stallAt: 200_000 });
    server.faults.push({ at: 'cdn', path: WEIGHTS, times: 1, whole: true });
    await expectTrue(
      await lab.store(server.endpoint, { stallMs: 1_000 }).download(REPO, options()),
    );
    expect(starts(WEIGHTS)[1]).toBeGreaterThan(0);
    expect(notes().join()).not.toContain('damaged');
    expect(notes().join()).toMatch(/brought nothing for 1 s/);
  });

  it('says that nobody answers, which name is meant, what is gated', async () => {
    const store = lab.store(server.endpoint);
    const name = 'Qwen/Qwen2.5-Coder-1.5B-instruct';
    await expect(store.download(name, options())).rejects.toThrow(
      /shows no model Qwen\/Qwen2\.5-Coder-1\.5B-instruct \(404\): did you mean Qwen\/Qwen2\.5-Coder-1\.5B-Instruct\?/,
    );
    await expect(store.download(`${REPO}@v9`, options())).rejects.toThrow(
      /lab\/nano has no revision v9/,
    );
    await expect(store.download('nonsense', options())).rejects.toThrow(
      /is not the name of a model at the hub/,
    );
    server.faults.push({ at: 'resolve', path: WEIGHTS, times: 1, status: 404 });
    await expect(download()).rejects.toThrow(/has no file model\.safetensors in lab\/nano/);
    server.faults.push({
      at: 'revision',
      times: 2,
      status: 403,
      headers: { 'x-error-code': 'GatedRepo' },
    });
    await lab.store(server.endpoint).delete(ID);
    await expect(download()).rejects.toThrow(
      /its licence has to be accepted at .*lab\/nano, and .* needs HF_TOKEN/,
    );
    const known = lab.store(server.endpoint, { token: 'hf_x' });
    await expect(known.download(REPO, options())).rejects.toThrow(
      /with the account that HF_TOKEN belongs to/,
    );
    await expect(lab.store('http://127.0.0.1:9').download(REPO, options())).rejects.toThrow(
      /127\.0\.0\.1:9 cannot be reached.*8 tries in a row/,
    );
    await expect(lab.store('hub').download(REPO, options())).rejects.toThrow(
      /`hub` is set as the address/,
    );
  });

  it('is refused before its weights come when the lab cannot run it', async () => {
    server.files.set('config.json', new TextEncoder().encode('{"model_type": "gpt2"}'));
    await expect(download()).rejects.toThrow(/config\.json/);
    expect(server.bodies(WEIGHTS)).toBe(0);
  });

  it('is fetched by one of two that want it, and the other follows', async () => {
    server.pace = 1;
    const steps: TransferProgress[] = [];
    const [one, two] = await Promise.all([
      download(),
      lab
        .store(server.endpoint)
        .download(REPO, options({ onProgress: (step) => steps.push(step) })),
    ]);
    await expectTrue(one);
    await expectTrue(two);
    expect(starts(WEIGHTS)).toEqual([0]);
    const all = [...progress, ...steps];
    expect(all.some(({ state, total }) => state === 'following' && total > 0)).toBe(true);
  });

  it('mends what is missing or short, and fetches nothing else', async () => {
    const source = await download();
    const folder = lab.folders().folder(FOLDER);
    const cut = await folder.write(WEIGHTS, 1000);
    await cut.close();
    await folder.remove('tokenizer.json');
    const store = lab.store(server.endpoint);
    expect(await store.open(ID)).toBeNull();
    expect(await store.list()).toMatchObject([
      {
        complete: false,
        problem: expect.stringMatching(
          /(model\.safetensors|tokenizer\.json), .* are missing or short/,
        ) as string,
      },
    ]);
    server.asked.length = 0;
    await expectTrue(await download());
    await expectTrue(source);
    expect(
      new Set(
        server.asked.filter((line) => line.startsWith('resolve')).map((line) => line.split(' ')[1]),
      ),
    ).toEqual(new Set([WEIGHTS, 'tokenizer.json']));
  });

  it('leaves folders alone that it did not make', async () => {
    const folder = lab.folders().folder(FOLDER);
    await writeWhole(folder, 'thesis.txt', new TextEncoder().encode('all of it'));
    const store = lab.store(server.endpoint);
    await expect(download()).rejects.toThrow(/holds files of something else; move them away/);
    await store.delete(ID);
    expect(await store.list()).toEqual([]);
    expect(await folder.files()).toEqual(['thesis.txt']);
  });

  it('starts again from a record whose first line was torn', async () => {
    await writeWhole(
      lab.folders().folder(FOLDER),
      'download.jsonl',
      new TextEncoder().encode('{"type":"pl'),
    );
    await expectTrue(await download());
  });

  it('is deleted whole, begun or finished, but not while it is being fetched', async () => {
    server.pace = 2;
    const control = new AbortController();
    const going = download({ signal: control.signal });
    while (!progress.some(({ file }) => file === WEIGHTS))
      await new Promise((ready) => setTimeout(ready, 2));
    await expect(lab.store(server.endpoint).delete(ID)).rejects.toThrow(
      /is being fetched by another tab or process/,
    );
    control.abort(new Error('called off'));
    await expect(going).rejects.toThrow('called off');
    await lab.store(server.endpoint).delete(ID);
    expect(await lab.folders().names()).toEqual([]);
  });

  it('is found by a configuration by its id, or by name and weights, else the sentence says what is here', async () => {
    await download({ precision: 'f16' });
    const store = lab.store(server.endpoint);
    await openStored(store, `${REPO}:f16`, null);
    await openStored(store, REPO, 'f16');
    await expect(openStored(store, REPO, null)).rejects.toThrow(
      /as stored is not stored here.* lab\/nano:f16\.$/,
    );
    await download();
    await openStored(store, REPO, 'f32');
  });
});
