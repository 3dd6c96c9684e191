import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import { findCode } from './extract.ts';

let sandbox: PythonSandbox;
beforeAll(async () => {
  sandbox = createNodeSandbox({ workers: 1 });
  await sandbox.ready();
}, 120_000);
afterAll(() => sandbox.close());

const GOOD = 'def f(x):\n    return x + 1';
const block = (code: string, fence = '```', info = 'python'): string =>
  `${fence}${info}\n${code}\n${fence}`;

/** Replies and their program; null for none. */
const REPLIES: Record<string, readonly [string, string | null]> = {
  'one block': [`Here:\n${block(GOOD)}\nDone.`, GOOD],
  'a block of the shell first': [`${block('pip install x', '```', 'bash')}\n${block(GOOD)}`, GOOD],
  'a draft, then another': [`${block('def f(x):\n    return x')}\nBetter:\n${block(GOOD)}`, GOOD],
  'a usage example after it': [`${block(GOOD)}\nUse it:\n${block('print(f(3))')}`, GOOD],
  'expected output after it': [`${block(GOOD)}\nIt prints:\n${block('4', '```', '')}`, GOOD],
  'output before it': [`It should print\n${block('4 5 6', '```', '')}\n${block(GOOD)}`, GOOD],
  'a draft in <think>': [
    `<think>\n${block('def f(x):\n    return 0')}\n</think>\n${block(GOOD)}`,
    GOOD,
  ],
  'a draft before a </think> that the prompt opened': [
    `Maybe\n${block('def f(x):\n    return 0')}\nno.\n</think>\n\n${block(GOOD)}`,
    GOOD,
  ],
  'nothing but a thought that was cut off': [`<think>\n${block(GOOD)}\nbut`, null],
  'the answer before a second thought': [
    `${block(GOOD)}\n<think>\nor ${block('def f(x): pass')}`,
    GOOD,
  ],
  'ticks in a string': [
    block("def f(x):\n    return '```' + x"),
    "def f(x):\n    return '```' + x",
  ],
  'a fence in a docstring': [
    block('def f(x):\n    """\n```\nf(1)\n```\n    """\n    return x'),
    'def f(x):\n    """\n```\nf(1)\n```\n    """\n    return x',
  ],
  'a fence of four': [
    block(`def f(x):\n    """\n\`\`\`\n"""\n    return x`, '````'),
    `def f(x):\n    """\n\`\`\`\n"""\n    return x`,
  ],
  'a fence of tildes': [block(GOOD, '~~~'), GOOD],
  'a block in a list': [`1. Write:\n\n   ${block(GOOD).replaceAll('\n', '\n   ')}\n2. Run.`, GOOD],
  'a quoted block': [`> ${block(GOOD).replaceAll('\n', '\n> ')}`, GOOD],
  'a block never closed': [`Sure.\n\`\`\`python\n${GOOD}\n`, GOOD],
  'a fence that the prompt began': [`${GOOD}\n\`\`\`\n\nIt adds one.`, GOOD],
  'the closing fence on the last line': [`\`\`\`python\n${GOOD}\`\`\``, GOOD],
  'an info string with more': [block(GOOD, '```', 'python title="f.py"'), GOOD],
  'carriage returns': [`\`\`\`python\r\n${GOOD.replace('\n', '\r\n')}\r\n\`\`\`\r\n`, GOOD],
  'a block inside a block of Markdown': [
    block(`# Answer\n${block(GOOD)}`, '````', 'markdown'),
    GOOD,
  ],
  'two blocks, one needs the other': [
    `${block('import math\ndef g(x):\n    return math.floor(x)')}\n${block('def f(x):\n    return g(x) + 1')}`,
    'import math\ndef g(x):\n    return math.floor(x)\n\ndef f(x):\n    return g(x) + 1',
  ],
  'a helper after it': [
    `${block('def f(x):\n    return g(x)')}\nwith\n${block('def g(x):\n    return x')}`,
    'def g(x):\n    return x\n\ndef f(x):\n    return g(x)',
  ],
  'a tag': [`<analysis>no</analysis><code>\n${GOOD}\n</code>`, GOOD],
  'a tag that the analysis names': [`Put it into <code>…</code>.\n<code>${GOOD}</code>`, GOOD],
  'a block in a tag': [`<code>${block(GOOD)}</code>`, GOOD],
  'a tag inside of a string': [
    block("def f(x):\n    return '<code>' + x + '</code>'"),
    "def f(x):\n    return '<code>' + x + '</code>'",
  ],
  'plain text around it': [`Sure, here it is:\n${GOOD}\n\nThis adds one.`, GOOD],
  'a program that does not parse': [block('def f(x):\n    return (x'), 'def f(x):\n    return (x'],
  'another name': [block('def g(x):\n    return x'), 'def g(x):\n    return x'],
  'a lambda under the name': [block('f = lambda x: x + 1'), 'f = lambda x: x + 1'],
  prose: ['I do not know how.', null],
  'an empty block': [block(''), null],
};

describe('the program of a reply', () => {
  it.each(Object.entries(REPLIES))('%s', async (_, [text, program]) => {
    expect(await findCode(text, { format: 'fenced', entryPoint: 'f' }, sandbox)).toBe(program);
  });

  it('without a known entry point is the last that defines anything', async () => {
    const text = `${block('x = 1')}\n${block(GOOD)}\n${block('print(f(1))')}`;
    expect(await findCode(text, { format: 'fenced' }, sandbox)).toBe(GOOD);
  });

  it('in a tag that was asked for is taken before a block that comes later', async () => {
    const text = `<code>\n${GOOD}\n</code>\nIt was:\n${block('def f(x):\n    return 0')}`;
    expect(await findCode(text, { format: 'tagged', entryPoint: 'f' }, sandbox)).toBe(GOOD);
  });

  it("goes on with the problem's own beginning where it does not define the function", async () => {
    const prefix = 'def f(x):\n    """Adds one."""\n';
    const how = { format: 'fenced', entryPoint: 'f', prefix } as const;
    const body = '    return x + 1\n';
    expect(await findCode(body, how, sandbox)).toBe(prefix + body);
    expect(await findCode(`${body}\`\`\`\nThat is all.`, how, sandbox)).toBe(
      prefix + body.trimEnd(),
    );
    expect(await findCode(block(GOOD), how, sandbox)).toBe(GOOD);
    const tag = "    return '<code>' + x + '</code>'\n";
    expect(await findCode(tag, how, sandbox)).toBe(prefix + tag);
    expect(await findCode('return x + 1\n', how, sandbox)).toBe(`${prefix}return x + 1\n`);
  });

  it('is the whole text where it is plain, and nothing where that is blank', async () => {
    expect(await findCode('```\nx', { format: 'plain' }, sandbox)).toBe('```\nx');
    expect(await findCode(' \n', { format: 'plain' }, sandbox)).toBeNull();
  });
});
