import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { afterthought } from './testing/afterthought.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cli-'));
function file(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

describe('the command line', { timeout: 30_000 }, () => {
  it('lists its commands, and the flags of each', async () => {
    const overview = await afterthought(['--help']);
    expect(overview.code).toBe(0);
    for (const name of [
      'doctor',
      'tokenize',
      'score',
      'generate',
      'train',
      'run',
      'eval',
      'grade',
      'report',
    ]) {
      expect(overview.stdout).toContain(`  ${name} `);
      const help = await afterthought([name, '--help']);
      expect(help.code).toBe(0);
      expect(help.stdout).toContain('--json');
    }
  });

  it('ends without a word when nobody reads its output any longer', async () => {
    const child = spawn(process.execPath, [resolve('bin/afterthought'), '--help']);
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const code = await new Promise((done) => child.on('close', done));
    expect(stderr).toBe('');
    expect(code).toBe(141);
  });

  it('tokenizes text to the byte and back', async () => {
    const text = 'def f(x):\n    return "é"\n';
    const { stdout, code } = await afterthought(['tokenize', '--model', 'nano'], text);
    expect(code).toBe(0);
    const { ids } = JSON.parse(stdout) as { ids: number[] };
    expect(ids.length).toBeGreaterThan(5);
    const back = await afterthought(
      ['tokenize', '--model', 'nano', '--decode'],
      JSON.stringify({ ids }),
    );
    expect(back.stdout).toBe(text);
  });

  it('tokenizes with a tokenizer alone, and renders turns that only call tools', async () => {
    const folder = join(scratch, 'text');
    mkdirSync(folder);
    copyFileSync('public/models/nano/tokenizer.json', join(folder, 'tokenizer.json'));
    const chat_template =
      '{% for m in messages %}{{ m.role }}:{{ m.content or m.tool_calls[0].function.name }};{% ' +
      'endfor %}{% if add_generation_prompt %}>{% endif %}';
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ chat_template }));
    const call = {
      role: 'assistant',
      content: null,
      tool_calls: [{ type: 'function', function: { name: 'f', arguments: {} } }],
    };
    const messages = file(
      'chat.json',
      JSON.stringify([{ role: 'user', content: 'x' }, call, { ...call, content: undefined }]),
    );
    const { stdout } = await afterthought([
      'tokenize',
      '--model',
      folder,
      '--chat',
      messages,
      '--no-generation-prompt',
    ]);
    const { text, ids } = JSON.parse(stdout) as { text: string; ids: number[] };
    expect(text).toBe('user:x;assistant:f;assistant:f;');
    expect(JSON.parse((await afterthought(['tokenize', '--model', folder], text)).stdout)).toEqual({
      ids,
    });
  });
});
