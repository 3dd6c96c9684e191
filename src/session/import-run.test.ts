import { describe, expect, it } from 'vitest';
import { runLog } from '../compare/testing/runs.ts';
import { encodeLines } from '../storage/log-lines.ts';
import { importedRun } from './import-run.ts';

const events = encodeLines(runLog({ runId: 'grpo-seed-1', answers: {} }));
const file = (path: string, content: BlobPart = '') => ({ path, file: new Blob([content]) });
const log = (path: string) => file(path, new Uint8Array(events));

describe('a run made elsewhere', () => {
  it('is found wherever in the archive it lies, without checkpoints and what else lies beside', async () => {
    const { runId, files } = await importedRun([
      file('runs/first/config.json'),
      log('runs/first/events.jsonl'),
      file('runs/first/tokens.bin'),
      file('runs/first/checkpoints/3.bin'),
      file('runs/first/adapter/adapter_config.json'),
      file('runs/first/adapter/adapter_model.safetensors'),
      file('runs/first/notes.txt'),
      file('elsewhere/tokens.bin'),
    ]);
    expect(runId).toBe('grpo-seed-1');
    expect(files.map(({ path }) => path)).toEqual([
      'config.json',
      'events.jsonl',
      'tokens.bin',
      'adapter/adapter_config.json',
      'adapter/adapter_model.safetensors',
    ]);
  });

  it('that is none is refused with a sentence', async () => {
    await expect(importedRun([file('tokens.bin')])).rejects.toThrow(
      'There is no events.jsonl among these files',
    );
    await expect(importedRun([file('events.jsonl', '{"type": "other"}\n')])).rejects.toThrow(
      'does not begin as the log of a run does',
    );
  });

  it('cannot choose a name that leads out of its folder', async () => {
    const escaping = encodeLines(runLog({ runId: '../models', answers: {} }));
    await expect(importedRun([file('events.jsonl', new Uint8Array(escaping))])).rejects.toThrow(
      'which no run of this lab is called',
    );
  });
});
