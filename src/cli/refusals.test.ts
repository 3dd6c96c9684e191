import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { afterthought } from './testing/afterthought.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cli-'));
function file(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}
mkdirSync(join(scratch, 'empty'));
function folder(name: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(join(scratch, name));
  for (const [path, text] of Object.entries(files)) file(join(name, path), text);
  return join(scratch, name);
}

describe('the command line', { timeout: 30_000 }, () => {
  it.each([
    ['bad usage', ['tokenise'], 2, /no command `tokenise`; did you mean tokenize\?/],
    ['an unknown flag', ['score', '--modle', 'nano'], 2, /no flag --modle; did you mean --model\?/],
    ['a missing folder', ['score', '--model', './nowhere'], 2, /no such folder/],
    [
      'a folder without a model',
      ['score', '--model', join(scratch, 'empty')],
      1,
      /has no config\.json/,
    ],
    [
      'weights of an unknown precision',
      ['score', '--model', 'nano', '--weights', 'q5'],
      2,
      /--weights takes f32, f16, q8, q4; `q5` is none of them/,
    ],
    [
      'a misspelt data set',
      ['grade', '--dataset', 'mbbp', '--samples', 'x', '--out', 'y'],
      2,
      /--dataset mbbp: there is no such file \(did you mean mbpp\?\); give starter, mbpp, /,
    ],
    [
      "another method's setting",
      [
        'run',
        '--method',
        'grpo,rft',
        '--lambda',
        '2',
        '--model',
        'nano',
        '--out',
        join(scratch, 'r'),
      ],
      2,
      /--lambda is a setting of srrl; grpo and rft have none of that name/,
    ],
    [
      'two numbers of steps',
      ['run', '--steps', '3', '--budget-tokens', '10', '--out', join(scratch, 'r')],
      2,
      /--steps and --budget-tokens exclude/,
    ],
    [
      'a run over a file',
      ['run', '--out', file('r.txt', '')],
      1,
      /Nothing can be written to the folder .*r\.txt is a file/,
    ],
    [
      'training on a set for evaluation only',
      [
        'run',
        '--dataset',
        file(
          'he.jsonl',
          '{"task_id":"HumanEval/0","prompt":"def f():\\n","canonical_solution":"    return ' +
            '1\\n","test":"def check(candidate):\\n    assert candidate() == ' +
            '1\\n","entry_point":"f"}',
        ),
        '--out',
        join(scratch, 'he'),
      ],
      1,
      /30 train problems were asked for, and the data set has none; choose another data set/,
    ],
    [
      'nothing to resume',
      ['run', '--resume', '--out', join(scratch, 'none')],
      2,
      /--resume: there is no run/,
    ],
    [
      'a missing chat template',
      ['tokenize', '--model', 'nano', '--chat', file('m.json', '[{"role":"user","content":"x"}]')],
      1,
      /no chat template/,
    ],
    [
      'more new tokens than the context has',
      [
        'generate',
        '--model',
        'nano',
        '--max-tokens',
        '1022',
        '--prompts',
        file('long.jsonl', '{"id":1,"ids":[1,2]}\n{"id":2,"ids":[1,2,3]}'),
      ],
      1,
      /line 2, has 3 tokens to which 1022 new ones may come, more than the model's context of 1024/,
    ],
    [
      'a folder without an adapter',
      [
        'generate',
        '--model',
        'nano',
        '--adapter',
        scratch,
        '--prompts',
        file('one.jsonl', '{"id":1,"ids":[1]}'),
      ],
      1,
      /has no adapter_config\.json/,
    ],
    [
      'a conversation without roles',
      [
        'tokenize',
        '--model',
        'nano',
        '--chat',
        file('roles.json', '{"messages":[{"content":"x"}]}'),
      ],
      1,
      /roles\.json does not parse: 0\.role/,
    ],
    [
      'a broken batch',
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'pg',
        '--data',
        file('b.jsonl', '{"ids":[1,2],"prompt_len":2}'),
        '--out',
        scratch,
      ],
      1,
      /line 1, does not parse: .*prompt_len leaves no completion/,
    ],
    [
      'a batch whose third line is the wrong one',
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'pg',
        '--data',
        file('w.jsonl', '\n\n{"ids":[1,2],"prompt_len":1}'),
        '--out',
        scratch,
      ],
      1,
      /line 3, has no "advantage"/,
    ],
    [
      'an advantage that is no number in f64',
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'pg',
        '--data',
        file('i.jsonl', '{"ids":[1,2],"prompt_len":1,"advantage":1e400}'),
        '--out',
        scratch,
      ],
      1,
      /line 1, does not parse: advantage: Invalid finite/,
    ],
    [
      'an id beyond the vocabulary',
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'nll',
        '--data',
        file('v.jsonl', '{"ids":[1,2],"prompt_len":1}\n{"ids":[1,5000],"prompt_len":1}'),
        '--out',
        scratch,
      ],
      1,
      /line 2, has token id 5000, beyond the model's vocabulary of 1152/,
    ],
    [
      "a teacher's id beyond the vocabulary",
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'kd',
        '--data',
        file(
          't.jsonl',
          '{"ids":[1,2],"prompt_len":1,"teacher":{"ids":[[5000]],"logprobs":[[-1]]}}',
        ),
        '--out',
        scratch,
      ],
      1,
      /line 1, completion token 1: the teacher's id 5000/,
    ],
    [
      'an alpha of a sign that no adapter can have',
      ['train', '--model', 'nano', '--loss', 'nll', '--alpha', '-5', '--data', 'x', '--out', 'y'],
      2,
      /--alpha must be at least 0\.000001, -5 was given/,
    ],
    [
      'a field that would change what the model computes',
      [
        'score',
        '--model',
        folder('bidirectional', {
          'config.json': `{"model_type":"llama","vocab_size":9,"hidden_size":8,"is_causal":false,
            "num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":8,
            "max_position_embeddings":16}`,
        }),
      ],
      1,
      /config\.json has is_causal = false/,
    ],
    [
      'an --out that is a file, before anything is trained',
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'nll',
        '--data',
        file('n.jsonl', '{"ids":[1,2],"prompt_len":1}'),
        '--out',
        file('taken', ''),
      ],
      1,
      /Nothing can be written to the folder .*taken: .*taken is a file; choose another --out/,
    ],
    [
      'an --out where there can be no folder',
      [
        'grade',
        '--dataset',
        'starter',
        '--samples',
        file('g.jsonl', '{"task_id":"starter/test/0","solution":"x"}'),
        '--out',
        '/proc/none/r.jsonl',
      ],
      1,
      /Nothing can be written to the folder \/proc\/none/,
    ],
    [
      'results to be written over a folder',
      [
        'grade',
        '--dataset',
        'starter',
        '--samples',
        file('h.jsonl', '{"task_id":"starter/test/0","solution":"x"}'),
        '--out',
        scratch,
      ],
      1,
      /cannot be written: it is a folder/,
    ],
    [
      'a batch without advantages',
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'pg',
        '--data',
        file('c.jsonl', '{"ids":[1,2],"prompt_len":1}'),
        '--out',
        scratch,
      ],
      1,
      /line 1, has no "advantage"/,
    ],
    [
      'a loss that does not exist',
      ['train', '--model', 'nano', '--loss', 'ppo', '--data', 'x', '--out', 'y'],
      2,
      /--loss takes pg, nll, kd; `ppo` is none of them/,
    ],
    [
      'a KL weight for distillation',
      ['train', '--model', 'nano', '--loss', 'kd', '--beta', '0.1', '--data', 'x', '--out', 'y'],
      2,
      /--beta weighs the KL of pg and nll; --loss kd has none/,
    ],
    [
      'distillation without a teacher',
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'kd',
        '--data',
        file('d.jsonl', '{"ids":[1,2],"prompt_len":1}'),
        '--out',
        scratch,
      ],
      1,
      /line 1, has no "teacher", which distillation needs/,
    ],
    [
      'a teacher of the wrong length',
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'kd',
        '--data',
        file('e.jsonl', '{"ids":[1,2,3],"prompt_len":1,"teacher":{"ids":[[4]],"logprobs":[[-1]]}}'),
        '--out',
        scratch,
      ],
      1,
      /line 1, does not parse: .*teacher needs one row a completion token/,
    ],
    [
      'teacher rows of unequal length',
      [
        'train',
        '--model',
        'nano',
        '--loss',
        'kd',
        '--data',
        file(
          'f.jsonl',
          '{"ids":[1,2,3],"prompt_len":1,"teacher":{"ids":[[4],[5,6]],"logprobs":[[-1],[-2]]}}',
        ),
        '--out',
        scratch,
      ],
      1,
      /line 1, does not parse: teacher: ids and logprobs need the same number of rows/,
    ],
    [
      'problems without tests',
      [
        'grade',
        '--dataset',
        file('p.jsonl', '{"task_id":1,"text":"t","code":"c","test_list":[]}'),
        '--samples',
        'x',
        '--out',
        'y',
      ],
      1,
      /line 1, has no tests/,
    ],
    [
      'samples of another data set',
      [
        'grade',
        '--dataset',
        'starter',
        '--samples',
        file('s.jsonl', '{"task_id":"Mbpp/2","solution":"x"}'),
        '--out',
        'y',
      ],
      1,
      /answers task Mbpp\/2, which the data set does not have/,
    ],
  ])('answers %s with one sentence on stderr', async (_, args, code, sentence) => {
    const result = await afterthought(args);
    expect(result.stderr).toMatch(sentence);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stdout).toBe('');
    expect(result.code).toBe(code);
  });
});
