import type { Tokenizer } from '../model/text/tokenizer.ts';
import {
  decodeDistillationBlock,
  decodeTokenBlock,
  distillationBlockBytes,
  tokenBlockBytes,
} from '../schema/columns.ts';
import type { RunConfig } from '../schema/config.ts';
import type { RunEvent } from '../schema/events.ts';

/** Blocks that a rollout may have in tokens.bin: its own, and that of a distilled target. */
export type BlockKind = 'rollouts' | 'targets';

/** Where a block starts in tokens.bin, bytes, and how many tokens it describes. */
interface Place {
  readonly columns: number;
  readonly tokens: number;
}

/** What token texts are read with. */
type Texts = Pick<Tokenizer, 'encode' | 'pieces'>;

/** Blocks of a run by rollout id. */
export interface ColumnIndex {
  readonly runId: string;
  readonly config: RunConfig;
  readonly rollouts: ReadonlyMap<string, Place>;
  readonly targets: ReadonlyMap<string, Place>;
  /** The text that each rollout goes on from. */
  readonly prompts: ReadonlyMap<string, string>;
}

const KINDS = {
  rollouts: {
    bytes: tokenBlockBytes,
    missing: (rollout: string) =>
      `The tokens of rollout ${rollout} are not stored yet; they come when its step is done.`,
  },
  targets: {
    bytes: distillationBlockBytes,
    missing: (rollout: string) =>
      `No distillation of rollout ${rollout} is stored; where it is a target, it comes when its step is done.`,
  },
} as const;

/** Where a run's columns are, as its log says. */
export function columnIndex(runId: string, events: readonly RunEvent[]): ColumnIndex {
  let config: RunConfig | null = null;
  const rollouts = new Map<string, Place>();
  const targets = new Map<string, Place>();
  const lengths = new Map<string, number>();
  const prompts = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'run.started') config = event.config;
    else if (event.type === 'rollout.completed') {
      lengths.set(event.id, event.tokens);
      prompts.set(event.id, event.prompt);
    } else if (event.type === 'rollout.rewarded') {
      rollouts.set(event.rollout, {
        columns: event.columns,
        tokens: lengths.get(event.rollout) ?? 0,
      });
    } else if (event.type === 'target.distilled') {
      targets.set(event.rollout, { columns: event.columns, tokens: event.tokens });
    }
  }
  if (!config) throw new Error(`Run ${runId} has not begun.`);
  return { runId, config, rollouts, targets, prompts };
}

/**
 * A block in a buffer of its own.
 * @param read gives up to so many bytes of tokens.bin from an offset on
 */
export async function readBlock(
  index: ColumnIndex,
  kind: BlockKind,
  rollout: string,
  read: (offset: number, bytes: number) => Promise<Uint8Array>,
): Promise<ArrayBuffer> {
  const place = index[kind].get(rollout);
  if (!place) throw new Error(KINDS[kind].missing(rollout));
  const bytes = KINDS[kind].bytes(place.tokens);
  const block = await read(place.columns, bytes);
  if (block.byteLength < bytes)
    throw new Error(
      `tokens.bin of run ${index.runId} is cut short, so rollout ${rollout} cannot be shown token by token.`,
    );
  return block.slice().buffer;
}

/**
 * The text of each token, special ones included; joined they give the whole. `after` are the ids
 * that these go on from.
 */
export function tokenTexts(
  tokenizer: Pick<Tokenizer, 'pieces'>,
  ids: readonly number[],
  after: readonly number[] = [],
): string[] {
  const { text, ends } = tokenizer.pieces(ids, after);
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  return ids.map((_, i) => decoder.decode(bytes.subarray(ends[i - 1] ?? 0, ends[i])));
}

/** The text of each token of a rollout's block; `prompt` is the text it goes on from. */
export function rolloutTexts(tokenizer: Texts, block: ArrayBuffer, prompt: string): string[] {
  const { ids } = decodeTokenBlock(new Uint8Array(block));
  return tokenTexts(tokenizer, [...ids], tokenizer.encode(prompt));
}

/** The text of every token that a target's block names. */
export function targetTexts(
  tokenizer: Texts,
  block: ArrayBuffer,
): (readonly [id: number, text: string])[] {
  const { ids, teacher, student } = decodeDistillationBlock(new Uint8Array(block));
  const named = new Set([...ids, ...teacher.ids, ...student.ids]);
  // Each by itself: tokens that compete for one place must not complete each other's characters.
  // After some text, for one that begins a text may lose its space.
  const after = tokenizer.encode('a');
  return [...named].map((id) => [id, tokenTexts(tokenizer, [id], after).join('')] as const);
}
