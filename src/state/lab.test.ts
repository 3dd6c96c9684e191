import { describe, expect, it, vi } from 'vitest';
import { encodeDistillationBlock, encodeTokenBlock, KEPT_TOP } from '../schema/columns.ts';
import type { RunEvent } from '../schema/events.ts';
import { createLab, NOTICE_MS, tokensKey } from './lab.ts';
import { testChannel } from './testing/channel.ts';
import { CONFIG, numbered, startOf, stepOf } from './testing/log.ts';

function setUp() {
  const channel = testChannel();
  const due: (() => void)[] = [];
  const lab = createLab(channel, (callback) => due.push(callback));
  const frame = () => due.splice(0).forEach((callback) => callback());
  const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
  const push = (events: readonly RunEvent[]) =>
    channel.push({ type: 'events', runId: 'r', events });
  const view = () => {
    const held = lab.views.getState().get('r');
    if (held?.state !== 'ready') throw new Error(`The run is ${held?.state ?? 'not asked for'}.`);
    return held.data;
  };
  return { channel, lab, frame, settled, push, view };
}

const log = numbered([startOf('r'), ...stepOf(1), ...stepOf(2)]);
const half = 20;

describe('the lab', () => {
  it('takes live events up once a frame, on top of the log it read', async () => {
    const { channel, lab, frame, settled, push, view } = setUp();
    lab.openRun('r');
    channel.answer('log', log.slice(0, half));
    await settled();
    push(log.slice(half, half + 3));
    push(log.slice(half + 3));
    expect(view().nextSeq).toBe(half);
    frame();
    expect(view().nextSeq).toBe(log.length);
    expect(view().updates).toHaveLength(2);
  });

  it('counts no event twice when a push overtakes the log being read', async () => {
    const { channel, lab, frame, settled, push, view } = setUp();
    lab.openRun('r');
    push(log.slice(half - 4, half + 4));
    frame();
    channel.answer('log', log.slice(0, half));
    await settled();
    expect(view().nextSeq).toBe(half + 4);
  });

  it('reads the log again when a resume has cut it back', async () => {
    const { channel, lab, frame, settled, push, view } = setUp();
    lab.openRun('r');
    channel.answer('log', log);
    await settled();
    const cut = [...log.slice(0, half), ...numbered([{ type: 'run.resumed', step: 0 }], half)];
    push(cut.slice(half));
    frame();
    channel.answer('log', cut);
    await settled();
    expect(view().nextSeq).toBe(half + 1);
    expect(view().resumed).toHaveLength(1);
  });

  it('turns a refused start into a notice, once', async () => {
    const { channel, lab } = setUp();
    for (let i = 0; i < 2; i++) {
      const started = lab.start(CONFIG);
      channel.refuse('start', 'No GPU adapter was found.');
      expect(await started).toBeNull();
    }
    expect(lab.store.getState().notices.map((n) => n.message)).toEqual([
      'No GPU adapter was found.',
    ]);
    expect(lab.store.getState().starting).toBe(false);
  });

  it('drops a notice when its time is over, and all of them when their screen is left', () => {
    vi.useFakeTimers();
    try {
      const { lab } = setUp();
      const said = () => lab.store.getState().notices.map(({ message }) => message);
      lab.notify('first');
      vi.advanceTimersByTime(NOTICE_MS / 2);
      lab.notify('second');
      vi.advanceTimersByTime(NOTICE_MS / 2);
      expect(said()).toEqual(['second']);
      lab.leaveScreen();
      expect(said()).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('follows a run of another tab, and reads its log again when that tab has let go of it', async () => {
    const { channel, lab, frame, settled, view } = setUp();
    const status = { state: 'loading', what: 'In another tab', fraction: null } as const;
    lab.openRun('r');
    channel.answer('log', log.slice(0, 1));
    await settled();
    channel.push({ type: 'elsewhere', runId: 'r', status });
    channel.push({ type: 'events', runId: 'r', events: log.slice(1, 2) });
    frame();
    expect(lab.store.getState().elsewhere.get('r')).toEqual(status);
    expect(view().nextSeq).toBe(2);
    channel.push({ type: 'elsewhere', runId: 'r', status: null });
    channel.answer('log', log);
    await settled();
    expect(lab.store.getState().elsewhere.size).toBe(0);
    expect(view().nextSeq).toBe(log.length);
  });

  it('says what is wrong with a run that cannot be read, and reads it again when asked', async () => {
    const { channel, lab, settled, view } = setUp();
    lab.openRun('r');
    channel.refuse('log', 'There is no run r.');
    await settled();
    expect(lab.views.getState().get('r')).toEqual({
      state: 'error',
      message: 'There is no run r.',
    });
    lab.openRun('r');
    channel.answer('log', log);
    await settled();
    expect(view().nextSeq).toBe(log.length);
  });

  it('decodes token columns and asks for each rollout once', async () => {
    const { channel, lab, settled } = setUp();
    const column = Float32Array.of(-1, -2);
    const block = {
      ids: Uint32Array.of(5, 6),
      ends: Uint32Array.of(1, 2),
      logprobs: column,
      entropy: column,
      kl: column,
      ratio: column,
    };
    lab.openTokens('r', '1/0/0');
    channel.answer('tokens', {
      block: encodeTokenBlock(block).buffer as ArrayBuffer,
      text: ['a', 'b'],
    });
    await settled();
    lab.openTokens('r', '1/0/0');
    expect(channel.asked.filter((m) => m.request.type === 'tokens')).toHaveLength(1);
    expect(lab.tokens.getState().get(tokensKey('r', '1/0/0'))).toEqual({
      state: 'ready',
      data: { block, text: ['a', 'b'] },
    });
  });

  it('decodes what was distilled, with the text of every id, and asks again only after a failure', async () => {
    const { channel, lab, settled } = setUp();
    const top = {
      ids: new Uint32Array(KEPT_TOP).fill(5),
      logprobs: new Float32Array(KEPT_TOP).fill(-1),
    };
    const block = {
      ids: Uint32Array.of(5),
      ends: Uint32Array.of(1),
      loss: Float32Array.of(0.5),
      teacher: top,
      student: top,
    };
    lab.openDistillation('r', '1/0/0');
    channel.refuse('distillation', 'It is cut short.');
    await settled();
    const held = () => lab.distillations.getState().get(tokensKey('r', '1/0/0'));
    expect(held()).toEqual({ state: 'error', message: 'It is cut short.' });
    for (let i = 0; i < 2; i++) lab.openDistillation('r', '1/0/0');
    channel.answer('distillation', {
      block: encodeDistillationBlock(block).buffer as ArrayBuffer,
      texts: [[5, 'a']],
    });
    await settled();
    lab.openDistillation('r', '1/0/0');
    expect(channel.asked.filter((m) => m.request.type === 'distillation')).toHaveLength(2);
    expect(held()).toEqual({ state: 'ready', data: { block, texts: new Map([[5, 'a']]) } });
  });
});
