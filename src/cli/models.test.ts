import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HubServer } from '../storage/testing/hub-server.ts';

const nano = resolve('public/models/nano');
const WEIGHTS = 'model.safetensors';

describe('--model owner/name', () => {
  let server: HubServer;
  let cache: string;

  beforeEach(async () => {
    const files = readdirSync(nano).map(
      (name) => [name, new Uint8Array(readFileSync(join(nano, name)))] as const,
    );
    server = await HubServer.start('lab/nano', new Map(files));
    cache = mkdtempSync(join(tmpdir(), 'cache-'));
  });
  afterEach(() => server.close());

  /** `tokenize` opens a model without a GPU. */
  function tokenize(model = 'lab/nano'): {
    child: ChildProcess;
    ended: Promise<{ code: number | null; out: string; err: string }>;
  } {
    const child = spawn(
      process.execPath,
      [resolve('bin/afterthought'), 'tokenize', '--model', model],
      {
        env: {
          ...process.env,
          AFTERTHOUGHT_CACHE: cache,
          HF_ENDPOINT: server.endpoint,
          HF_TOKEN: '',
        },
      },
    );
    let out = '';
    let err = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end('def f(x):');
    return {
      child,
      ended: new Promise((done) => child.on('close', (code) => done({ code, out, err }))),
    };
  }

  const starts = () =>
    server.asked
      .filter((line) => line.startsWith(`cdn ${WEIGHTS} `))
      .map((line) => Number(line.split(' ')[2]));
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((ready) => setTimeout(ready, 20));
  };

  it('downloads once with nothing but the answer on stdout, then works without the hub', async () => {
    const first = await tokenize().ended;
    expect(first).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\{"ids":\[[\d,]+\]\}\n$/) as string,
    });
    expect(first.err).toMatch(/lab\/nano: 100\.0 % of [\d.]+ MiB/);
    const asked = server.asked.length;
    expect(await tokenize().ended).toMatchObject({ code: 0, out: first.out, err: '' });
    expect(server.asked.length).toBe(asked);
  });

  it('is fetched by one process while another waits; killed, the next one takes over where it was', async () => {
    server.pace = 100;
    const first = tokenize();
    await until(() => starts().length > 0);
    const second = tokenize();
    await new Promise((ready) => setTimeout(ready, 1_000));
    first.child.kill('SIGKILL');
    await first.ended;
    server.pace = 0;
    const { code, out, err } = await second.ended;
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(out).toMatch(/^\{"ids"/);
    const folder = join(cache, 'models', 'lab--nano--stored');
    expect(readFileSync(join(folder, WEIGHTS)).equals(server.files.get(WEIGHTS)!)).toBe(true);
    expect(readdirSync(join(cache, 'models'))).toEqual(['lab--nano--stored']);
  });

  it('is refused in one sentence where the hub has no such model', async () => {
    const { code, out, err } = await tokenize('lab/nanoo').ended;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /^afterthought: 127\.0\.0\.1:\d+ shows no model lab\/nanoo \(404\): check the name/,
    );
  });
});
