import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Verdict } from '../../schema/verdict.ts';
import type { PythonRunner } from '../python-sandbox.ts';
import { mixture } from '../testing/mixture.ts';
import { createNodeSandbox } from './node-sandbox.ts';

const full = process.env['AFTERTHOUGHT_FULL'] === '1';
const COUNT = full ? 2000 : 60;
const SEED = 20261126;

let connections = 0;
const server = createServer((socket) => {
  connections += 1;
  socket.destroy();
});
let used: PythonRunner;
let fresh: PythonRunner;
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  used = createNodeSandbox({ workers: 2, recheck: 0 });
  fresh = createNodeSandbox({ workers: 1, recheck: 0 });
}, 120_000);
afterAll(async () => {
  await Promise.all([used.close(), fresh.close()]);
  server.close();
});

/** All of a verdict that does not depend on the clock. */
function outcome({ status, asserts, error, stdout }: Verdict): unknown {
  const each = asserts.map((assert) => [assert.status, assert.actual]);
  return { status, each, error: error?.type, stdout: stdout?.slice(0, 200) };
}

it(`${COUNT} programs of all kinds in one pool get the verdicts that a fresh guest gives`, async () => {
  const { port } = server.address() as AddressInfo;
  const programs = mixture(COUNT, SEED, { port, canary: '/nowhere' }, full);
  const alone = new Map<string, unknown>();
  for (const { name, program } of programs) {
    if (!alone.has(name)) alone.set(name, outcome(await fresh.grade(program, { fresh: true })));
  }
  const verdicts = await Promise.all(programs.map(({ program }) => used.grade(program)));
  const different = programs.flatMap(({ name }, i) => {
    const [got, expected] = [
      JSON.stringify(outcome(verdicts[i] as Verdict)),
      JSON.stringify(alone.get(name)),
    ];
    return got === expected ? [] : [`${i} ${name}: ${got}, alone ${expected}`];
  });
  if (full) console.log(JSON.stringify(used.stats()));
  expect(different).toEqual([]);
  expect(connections).toBe(0);
}, 3_600_000);
