import { afterEach, describe, expect, it } from 'vitest';
import { guestBooter } from '../booter.ts';
import type { GuestHandle } from '../guest-handle.ts';
import { SPLITTER } from '../guest-python.ts';
import { TextRefused, TrustedPython } from '../trusted.ts';
import { nodeHost } from './node-sandbox.ts';

/* Who is to blame when an interpreter that reads texts and values is gone: tried on real processes. */

const boot = guestBooter(nodeHost(true));
let booted: GuestHandle[] = [];
let onBoot: (guest: GuestHandle) => void = () => undefined;
let python: TrustedPython;
const start = (scale = 1): TrustedPython => {
  booted = [];
  onBoot = () => undefined;
  python = new TrustedPython(
    async () => {
      const guest = await boot(SPLITTER);
      booted.push(guest);
      onBoot(guest);
      return guest;
    },
    () => scale,
  );
  return python;
};
afterEach(() => python.close());

/** Ends a guest's process as a system that is short of memory does. */
const kill = (guest: GuestHandle) => process.kill(guest.pid!, 'SIGKILL');
/** Takes long enough to be killed under. */
const LONG = 'def g(:\n'.repeat(150);
const BOMB = ['r', '0x0', '0x9184e72a000', '0x1'] as const;

describe('an interpreter that was ended from outside', () => {
  it('is replaced and asked again: the text is judged as if nothing had been', async () => {
    start();
    let kills = 0;
    onBoot = (guest) => {
      if (kills++ < 2) setTimeout(() => kill(guest), 30);
    };
    expect(await python.program('x = 1\n' + LONG)).toBe('x = 1');
    expect(kills).toBe(3);
  });

  it('is nobody’s fault, however often: neither the text’s nor the value’s', async () => {
    start();
    onBoot = (guest) => void setTimeout(() => kill(guest), 5);
    const text = await python.program(LONG).catch((error: unknown) => error);
    expect(text).toBeInstanceOf(Error);
    expect(text).not.toBeInstanceOf(TextRefused);
    const rest = { rest: 'sum(__hole(0)) == 3', context: '' };
    await expect(python.residual('', rest, [BOMB])).rejects.toThrow(/fault is the machine/);
  });

  it('does not cost the tests their plans', async () => {
    start();
    await python.ready();
    kill(booted[0]!);
    const [plans] = await python.plan('', ['assert f(1) == 2']);
    expect(plans).toMatchObject([{ kind: 'compare' }]);
  });
});

describe('a value', () => {
  it('that keeps an assert busy for ever is the program’s fault', async () => {
    start();
    const result = await python.residual('', { rest: 'sum(__hole(0)) == 3', context: '' }, [BOMB]);
    expect(result.error?.type).toBe('ComparisonError');
    expect(booted.length).toBe(3);
  }, 60_000);

  it('is not charged with what the data set’s own code does', async () => {
    start();
    const context = 'def close(a, b):\n    return a == b\nraise ValueError("of the data set")';
    const rest = { rest: 'close(__hole(0), 3)', context };
    await expect(python.residual('', rest, [['i', '0x3']])).rejects.toThrow(/of the data set/);
    const slow = { rest: 'sum(range(10 ** 12)) == __hole(0)', context: '' };
    await expect(python.residual('', slow, [['i', '0x3']])).rejects.toThrow(/longer than/);
  }, 60_000);
});

describe('a text', () => {
  const refusal = (text: string) =>
    python.program(text).then(
      (code) => `found ${code}`,
      (error: unknown) => (error instanceof TextRefused ? error.message : `not: ${String(error)}`),
    );

  it('beyond a budget is refused with a sentence that names it, by the interpreter that lives on', async () => {
    start(4);
    const x = (middle: string) => `x = ${middle}1`;
    for (const deep of [
      x('1+'.repeat(501)),
      x('-'.repeat(501)),
      x('not '.repeat(501)),
      x('lambda a, b: '.repeat(501)),
      x('1 if 1 else '.repeat(501)),
      x('2**'.repeat(501)),
      x('(1+'.repeat(180) + '1+2*-3*'.repeat(60)),
      'x = a' + '.a'.repeat(501),
      'x = a' + '()'.repeat(501),
      'x = a' + '[0]'.repeat(501),
      'if a: pass\n' + 'elif a: pass\n'.repeat(50).repeat(7) + 'x = ' + '1+'.repeat(200) + '1',
      'x = (\n' + '1 +\n'.repeat(390) + '1 + 1' + '+1'.repeat(150) + ')',
    ])
      expect(await refusal(deep), deep.slice(0, 40)).toMatch(/deeper than 500|^found if a/);
    expect(await refusal('\\\n'.repeat(25_000))).toMatch(/first 50000|first 400|3000000/);
    expect(await refusal('I think.\n'.repeat(401))).toMatch(/first 400 lines/);
    expect(await refusal('I think so: '.repeat(5_000))).toMatch(/first 50000 characters.*60000/);
    expect(await python.sanitize('a b\n'.repeat(2) + '1 2', null)).toBeNull();
    expect(booted.length).toBe(1);
  }, 60_000);

  it('that is long without being deep is read', async () => {
    start(4);
    for (const flat of [
      `x = [${'-1, '.repeat(3_000)}]`,
      `x = {${'"a": f(1.5), '.repeat(2_000)}}`,
      `x = ${'1+'.repeat(450)}1`,
      `x = "${'+'.repeat(5_000)}"`,
      `# ${'not '.repeat(5_000)}\nx = 1`,
      `x = [\n${'    f(-1) + 2,\n'.repeat(300)}]`,
    ])
      expect(await python.program(flat), flat.slice(0, 40)).toContain('x = ');
    expect(booted.length).toBe(1);
  });

  it('that holds a program after something deep still has its program', async () => {
    start(4);
    const good = 'def f(x):\n    return x + 1';
    const text = `x = ${'1+'.repeat(20_000)}1\n${good}`;
    expect(await python.program(text)).toBe(good);
    expect(booted.length).toBe(1);
  });

  it('that uses up the budget is refused, or keeps what was found before, each time alike', async () => {
    start(4);
    // Python's parser reports these where they begin: nothing says how much of the rest is in vain.
    const costly = ('def g(): 1 = x' + ' '.repeat(100) + '\n').repeat(390);
    for (let i = 0; i < 2; i++) {
      expect(await refusal(costly)).toMatch(/before 3000000 characters/);
      const good = 'def f(x):\n    return x + 1';
      expect(await refusal(`${good}\nno Python\n${costly}`)).toBe(`found ${good}`);
    }
    expect(booted.length).toBe(1);
  }, 60_000);
});
