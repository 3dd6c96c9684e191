import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it } from 'vitest';
import { recordOf } from '../compare/record.ts';
import { deferred } from '../lib/deferred.ts';
import type { Tokenizer } from '../model/text/tokenizer.ts';
import { decodeDistillationBlock, decodeTokenBlock } from '../schema/columns.ts';
import type { RunConfig } from '../schema/config.ts';
import type { SessionAnswers, SessionRequest, ToPage } from '../schema/protocol.ts';
import { IndexedDbCheckpoints } from '../storage/browser/checkpoints.ts';
import { OpfsLogFile } from '../storage/browser/opfs-log.ts';
import { BrowserAdapters } from '../storage/browser/opfs-adapters.ts';
import { BrowserStore } from '../storage/browser/opfs-store.ts';
import { tokenTexts } from '../storage/columns.ts';
import { memoryOpfs } from '../storage/testing/memory-opfs.ts';
import { Session } from './session.ts';
import { letterEvaluations } from './testing/evaluation-ports.ts';
import { noHub } from './testing/models.ts';
import { configOf, letterConfig, letterLab } from './testing/letter-lab.ts';

const tokenizer = {
  encode: () => [],
  pieces: (ids: readonly number[]) => ({
    text: ids.map((id) => (id === 0 ? '<end>' : 'abcdefgh'[id - 1])).join(''),
    ends: Uint32Array.from(ids, (_, i) =>
      ids.slice(0, i + 1).reduce((n, id) => n + (id === 0 ? 5 : 1), 0),
    ),
  }),
} as unknown as Tokenizer;

let tests = 0;
/** A browser: tabs share its storage and locks. */
function browser() {
  const root = memoryOpfs();
  const database = `session-${tests++}`;
  const held = new Map<string, { readonly free: () => void; readonly freed: Promise<void> }>();
  const sessions: Session[] = [];
  return function tab() {
    const posts: ToPage[] = [];
    const lab = letterLab(new BrowserStore(root, new IndexedDbCheckpoints(database)));
    const session = new Session({
      library: new BrowserStore(root, new IndexedDbCheckpoints(database)),
      run: lab.ports,
      evaluations: letterEvaluations(memoryOpfs()),
      models: noHub(memoryOpfs()),
      adapters: new BrowserAdapters(memoryOpfs()),
      device: () => Promise.reject(new Error('no device')),
      plan: () => Promise.reject(new Error('nothing is planned here')),
      measure: async (_, memory) => ({
        sample: { half: 1, full: 2 },
        update: { half: 1, full: 2 },
        step: { half: 2, full: 4 },
        noise: null,
        measured: memory ?? 0,
      }),
      tokenizer: () => Promise.resolve(tokenizer),
      claim: async (runId) => {
        if (held.has(runId)) return null;
        const { promise, resolve } = deferred<void>();
        const free = () => {
          held.delete(runId);
          resolve();
        };
        held.set(runId, { free, freed: promise });
        return free;
      },
      held: async (runId) => held.has(runId),
      freed: async (runId) => held.get(runId)?.freed,
      tell: (message) => {
        for (const other of sessions) if (other !== session) other.hear(structuredClone(message));
      },
      post: (message) => posts.push(message),
    });
    sessions.push(session);
    let id = 0;
    async function ask<R extends SessionRequest>(request: R): Promise<SessionAnswers[R['type']]> {
      const mine = ++id;
      await session.receive({ id: mine, request });
      const reply = posts.find(
        (m) => (m.type === 'answer' || m.type === 'failure') && m.id === mine,
      )!;
      if (reply.type === 'failure') throw new Error(reply.message);
      return (reply as unknown as { value: SessionAnswers[R['type']] }).value;
    }
    return { session, ask, posts, lab, root, held };
  };
}

describe('session', () => {
  let tab: ReturnType<typeof browser>;
  const config: RunConfig = { ...letterConfig, steps: 4, test: 2, evalSamples: 1 };
  beforeEach(() => {
    tab = browser();
  });

  it('starts a run, pushes its events in order, lists it as finished, and deletes it', async () => {
    const { ask, posts, session } = tab();
    const { runId } = await ask({ type: 'start', config });
    expect((await ask({ type: 'runs' }))[0]).toMatchObject({ runId, state: 'running' });
    await session.settled();
    const pushed = posts.flatMap((m) => (m.type === 'events' ? m.events : []));
    expect(pushed.map((e) => e.seq)).toEqual(pushed.map((_, i) => i));
    expect(await ask({ type: 'log', runId })).toEqual(pushed);
    const [summary] = await ask({ type: 'runs' });
    expect(summary).toMatchObject({ state: 'finished', step: 4 });
    expect(summary!.bytes).toBeGreaterThan(1000);
    expect(posts.findLast((m) => m.type === 'status')).toMatchObject({ status: { state: 'idle' } });
    await expect(ask({ type: 'resume', runId })).rejects.toThrow(/is finished/);
    await ask({ type: 'delete', runId });
    expect(await ask({ type: 'runs' })).toEqual([]);
    await expect(ask({ type: 'log', runId })).rejects.toThrow(/no run/);
  });

  it('measures a step while nothing else goes on, and hands a start the memory it may take', async () => {
    const { ask, lab, session, posts } = tab();
    const asked: (number | null | undefined)[] = [];
    const { openModel } = lab.ports;
    lab.ports.openModel = (...args) => {
      asked.push(args[2]);
      return openModel(...args);
    };
    expect(await ask({ type: 'measure', config, memory: 5e9 })).toMatchObject({ measured: 5e9 });
    expect(posts.filter((m) => m.type === 'status').map((m) => m.status.state)).toEqual([
      'loading',
      'idle',
    ]);
    const { runId } = await ask({ type: 'start', config, memory: 4e9 });
    await expect(ask({ type: 'measure', config, memory: null })).rejects.toThrow(
      /A run is already running/,
    );
    await session.settled();
    expect(runId).toBeTruthy();
    expect(asked).toEqual([4e9]);
  });

  it('gives the token columns of a rollout with the text of each token', async () => {
    const { ask, session } = tab();
    const { runId } = await ask({ type: 'start', config });
    await session.settled();
    const log = await ask({ type: 'log', runId });
    for (const event of log.filter((e) => e.type === 'rollout.completed').slice(0, 12)) {
      const { block, text } = await ask({ type: 'tokens', runId, rollout: event.id });
      const columns = decodeTokenBlock(new Uint8Array(block));
      expect(columns.ids).toHaveLength(event.tokens);
      expect(text.join('')).toBe(event.text + (event.finish === 'eos' ? '<end>' : ''));
    }
    await expect(ask({ type: 'tokens', runId, rollout: '9/9/9' })).rejects.toThrow(
      /not stored yet/,
    );
  });

  it('gives the distillation columns of a target with the text of every token they name', async () => {
    const { ask, session } = tab();
    const { runId } = await ask({
      type: 'start',
      config: { ...configOf('reflkd'), steps: 4, test: 0 },
    });
    await session.settled();
    const log = await ask({ type: 'log', runId });
    const completions = log.filter((e) => e.type === 'rollout.completed');
    const targets = log.filter((e) => e.type === 'target.distilled');
    expect(targets.length).toBeGreaterThan(0);
    for (const event of targets) {
      const { block, texts } = await ask({ type: 'distillation', runId, rollout: event.rollout });
      const { ids, loss, teacher, student } = decodeDistillationBlock(new Uint8Array(block));
      const text = new Map(texts);
      const target = completions.find(({ id }) => id === event.rollout)!;
      expect([...ids].map((id) => text.get(id)).join('')).toBe(
        target.text + (target.finish === 'eos' ? '<end>' : ''),
      );
      expect(loss.reduce((sum, value) => sum + value, 0) / event.tokens).toBeCloseTo(event.loss, 5);
      expect(texts.map(([id]) => id).sort()).toEqual(
        [...new Set([...ids, ...teacher.ids, ...student.ids])].sort(),
      );
      for (const [id, word] of texts) expect(word).toBe(tokenTexts(tokenizer, [id])[0]);
    }
    const other = completions.find(({ id }) => targets.every(({ rollout }) => rollout !== id))!.id;
    await expect(ask({ type: 'distillation', runId, rollout: other })).rejects.toThrow(
      /No distillation of rollout/,
    );
  });

  it('says that columns are cut short instead of showing half of them', async () => {
    const { ask, session, root } = tab();
    const { runId } = await ask({
      type: 'start',
      config: { ...configOf('reflkd'), steps: 4, test: 0 },
    });
    await session.settled();
    const target = (await ask({ type: 'log', runId })).findLast(
      (e) => e.type === 'target.distilled',
    )!;
    const file = await OpfsLogFile.open(await root.getDirectoryHandle(runId), 'tokens.bin');
    file.truncate(target.columns + 12);
    file.close();
    await expect(ask({ type: 'distillation', runId, rollout: target.rollout })).rejects.toThrow(
      /tokens.bin of run .* is cut short/,
    );
  });

  it('pauses, and another tab goes on with the run to the same end', async () => {
    const first = tab();
    const { runId } = await first.ask({ type: 'start', config });
    await first.ask({ type: 'pause' });
    await first.session.settled();
    expect((await first.ask({ type: 'runs' }))[0]).toMatchObject({ state: 'paused' });
    expect(first.posts.findLast((m) => m.type === 'status')).toMatchObject({
      status: { state: 'paused', runId },
    });
    const second = tab();
    await second.ask({ type: 'resume', runId });
    await second.session.settled();
    expect((await second.ask({ type: 'runs' }))[0]).toMatchObject({ state: 'finished', step: 4 });
  });

  it('lists damaged runs with the reason, hides no other for them, and hands them out and deletes them', async () => {
    const { ask, session, root } = tab();
    const { runId } = await ask({ type: 'start', config });
    await session.settled();
    const put = async (name: string, text: string) => {
      const folder = await root.getDirectoryHandle(name, { create: true });
      const log = await OpfsLogFile.open(folder, 'events.jsonl');
      log.append(new TextEncoder().encode(text));
      log.close();
    };
    await put('empty', '');
    await put('torn', '{"seq":0,"ti');
    await put('garbage', 'no log\n{"seq":1,"time":1,"type":"warning.raised","message":"m"}\n');
    expect((await ask({ type: 'runs' })).map((run) => run.runId)).toEqual([runId]);
    const damaged = await ask({ type: 'damaged' });
    expect(damaged.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual([
      'run empty',
      'run garbage',
      'run torn',
    ]);
    const garbage = damaged.find(({ id }) => id === 'garbage')!;
    expect(garbage.reason).toMatch(/Line 1 of this log is damaged/);
    await expect(ask({ type: 'resume', runId: 'garbage' })).rejects.toThrow(/Line 1 of this log/);
    // Nothing holds its files after the refusal.
    const [file] = await ask({ type: 'run-files', runId: 'garbage' });
    expect(await file!.file.text()).toMatch(/^no log/);
    for (const { id } of damaged) await ask({ type: 'delete', runId: id });
    expect(await ask({ type: 'damaged' })).toEqual([]);
    expect(await ask({ type: 'runs' })).toHaveLength(1);
  });

  it('lets one tab own a run: another can read it but not resume or delete it', async () => {
    const first = tab();
    const second = tab();
    const { runId } = await first.ask({ type: 'start', config: { ...config, steps: 40 } });
    await expect(second.ask({ type: 'resume', runId })).rejects.toThrow(/open in another tab/);
    await expect(second.ask({ type: 'delete', runId })).rejects.toThrow(/open in another tab/);
    expect((await second.ask({ type: 'log', runId }))[0]!.type).toBe('run.started');
    await expect(first.ask({ type: 'delete', runId })).rejects.toThrow(/still running/);
    await expect(first.ask({ type: 'start', config })).rejects.toThrow(/already running/);
    await first.ask({ type: 'stop' });
    await first.session.settled();
  });

  it('shows a run in a second tab as it goes on in the first, from its first event to its end', async () => {
    const first = tab();
    const early = tab();
    const { runId } = await first.ask({ type: 'start', config });
    const late = tab();
    const elsewhere = ({ posts }: typeof first) =>
      posts.flatMap((m) => (m.type === 'elsewhere' && m.runId === runId ? [m.status] : []));
    expect(await late.ask({ type: 'runs' })).toMatchObject([{ runId, state: 'elsewhere' }]);
    const read = (await late.ask({ type: 'log', runId })).length;
    await first.session.settled();
    const log = await first.ask({ type: 'log', runId });
    const heard = ({ posts }: typeof first) =>
      posts.flatMap((m) => (m.type === 'events' ? m.events : []));
    expect(heard(early)).toEqual(log);
    expect(heard(late).filter((event) => event.seq >= read)).toEqual(log.slice(read));
    for (const other of [early, late]) {
      expect(elsewhere(other)).toContainEqual(expect.objectContaining({ state: 'running', runId }));
      expect(elsewhere(other).at(-1)).toBeNull();
      expect(await other.ask({ type: 'runs' })).toMatchObject([{ runId, state: 'finished' }]);
    }
  });

  it('says that a run is interrupted when the tab that wrote it is gone without a word', async () => {
    const first = tab();
    const second = tab();
    const { runId } = await first.ask({ type: 'start', config: { ...config, steps: 40 } });
    first.session.receive = () => Promise.resolve();
    expect((await second.ask({ type: 'runs' }))[0]).toMatchObject({ state: 'elsewhere' });
    first.held.get(runId)!.free();
    await Promise.resolve();
    await Promise.resolve();
    expect(second.posts.findLast((m) => m.type === 'elsewhere')).toMatchObject({ status: null });
    expect((await second.ask({ type: 'runs' }))[0]).toMatchObject({ state: 'interrupted' });
    await first.session.settled();
  });

  it('never says that there is no run while another tab is creating its files', async () => {
    const first = tab();
    first.held.set('new', { free: () => undefined, freed: new Promise(() => undefined) });
    expect(await first.ask({ type: 'log', runId: 'new' })).toEqual([]);
    await expect(first.ask({ type: 'log', runId: 'none' })).rejects.toThrow(/no run none/);
  });

  it('evaluates a stopped run on request, after which it compares, and cuts nothing of its log', async () => {
    const { ask, session } = tab();
    const { runId } = await ask({ type: 'start', config: { ...config, steps: 40 } });
    while ((await ask({ type: 'runs' }))[0]!.step < 1) await new Promise((r) => setTimeout(r, 1));
    await ask({ type: 'stop' });
    await session.settled();
    const log = await ask({ type: 'log', runId });
    expect(recordOf(log)).toMatchObject({ finished: true, outcomes: null });
    await ask({ type: 'evaluate-stopped', runId });
    await session.settled();
    const after = await ask({ type: 'log', runId });
    expect(after.slice(0, log.length)).toEqual(log);
    expect(recordOf(after)!.outcomes).toHaveLength(2);
    await expect(ask({ type: 'evaluate-stopped', runId })).rejects.toThrow(/lacks no evaluation/);
  });

  it('answers what it cannot do with a sentence', async () => {
    const { ask } = tab();
    await expect(ask({ type: 'pause' })).rejects.toThrow('No run is running.');
    await expect(ask({ type: 'start', config: { ...config, group: 0 } })).rejects.toThrow(
      /configuration does not parse: group/,
    );
    await expect(ask({ type: 'device' })).rejects.toThrow('no device');
  });
});

it('cuts a text into its tokens without loss', () => {
  expect(tokenTexts(tokenizer, [1, 2, 0])).toEqual(['a', 'b', '<end>']);
});
