import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { afterthought } from './testing/afterthought.ts';

const scratch = mkdtempSync(join(tmpdir(), 'sequences-'));

interface Completed {
  readonly id: string;
  readonly sample: number;
  readonly ids: readonly number[];
}

async function generated(
  prompts: readonly object[],
  n: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const file = join(scratch, 'prompts.jsonl');
  writeFileSync(file, prompts.map((prompt) => `${JSON.stringify(prompt)}\n`).join(''));
  const { stdout, code } = await afterthought([
    'generate',
    '--model',
    'nano',
    '--prompts',
    file,
    '--n',
    String(n),
    '--max-tokens',
    '6',
    '--seed',
    '5',
  ]);
  expect(code).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Completed);
  return new Map(lines.map(({ id, sample, ids }) => [`${id} ${sample}`, ids]));
}

describe('score', { timeout: 120_000 }, () => {
  it('scores the positions from prompt_len on: none where the prompt is the whole line', async () => {
    const lines = [
      '{"ids":[5],"prompt_len":1}',
      '',
      '{"ids":[5,17,42],"prompt_len":2,"top":null}\r',
      '{"ids":[5,17],"prompt_len":2,"top":3}',
    ];
    const { stdout, code } = await afterthought(['score', '--model', 'nano'], lines.join('\n'));
    expect(code).toBe(0);
    const [whole, two, asked] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { logprobs: number[]; entropy: number[] });
    expect(whole).toEqual({ logprobs: [], entropy: [] });
    expect(two?.logprobs).toHaveLength(1);
    expect(two).not.toHaveProperty('top');
    expect(asked).toEqual({ logprobs: [], entropy: [], top: [] });
  });

  it('names the line that it cannot score', async () => {
    const score = (line: string) =>
      afterthought(['score', '--model', 'nano'], `{"ids":[5,17],"prompt_len":1}\n\n${line}`);
    expect((await score('{"ids":[5,9999],"prompt_len":1}')).stderr).toMatch(
      /stdin, line 3, has token id 9999, beyond the model's vocabulary of 1152/,
    );
    expect((await score('{"ids":[5,17],"prompt_len":3}')).stderr).toMatch(
      /stdin, line 3, has a prompt_len of 3, but 2 tokens/,
    );
  });
});

describe('generate', { timeout: 120_000 }, () => {
  it('gives a prompt the same completions alone, among others, and whatever --n is', async () => {
    const prompts = ['def f(x):\n', 'x = ', 'for i in'].map((prompt, i) => ({
      id: `p${i}`,
      prompt,
    }));
    const together = await generated(prompts, 2);
    const reversed = await generated([...prompts].reverse(), 2);
    const alone = await generated([prompts[1]!], 1);
    expect(new Map([...reversed].sort())).toEqual(new Map([...together].sort()));
    expect(alone.get('p1 0')).toEqual(together.get('p1 0'));
  });

  it('draws anew for a second line of the same id', async () => {
    const line = '{"id":"a","ids":[5,17,42]}\n';
    const file = join(scratch, 'twice.jsonl');
    writeFileSync(file, line + line);
    const { stdout } = await afterthought([
      'generate',
      '--model',
      'nano',
      '--prompts',
      file,
      '--max-tokens',
      '12',
    ]);
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Completed).ids);
    expect(first).not.toEqual(second);
  });
});
