import { MAX_STOP_IDS } from '../../kernels/sample.ts';
import type { AdapterName } from '../weights/adapter.ts';
import type { ModelConfig } from '../weights/config.ts';

export interface GenerateRequest {
  /** Prompt token ids; their KV is computed once and shared by all `samples`. */
  readonly prompt: readonly number[];
  readonly samples: number;
  readonly adapter: AdapterName;
  /** 0 is greedy. */
  readonly temperature: number;
  /** 0: off. */
  readonly topK: number;
  /** 1: off. */
  readonly topP: number;
  /**
   * Random numbers are keyed by (seed, stream + sample, position): they depend on no batch
   * neighbour and no order.
   */
  readonly seed: number;
  readonly stream: number;
  /** Most new tokens, the end token included. */
  readonly maxTokens: number;
  /** Ids that end a completion; the one that did is kept as its last id. */
  readonly stopIds: readonly number[];
  /**
   * Called with the new ids so far at block boundaries; returning true ends the completion there
   * with `stop`.
   */
  readonly stopWhen?: (ids: readonly number[]) => boolean;
}

export interface Completion {
  /** Index into the requests given. */
  readonly request: number;
  readonly sample: number;
  /** New tokens, the end token included. */
  readonly ids: number[];
  /**
   * log softmax(z/τ)[id] over the full vocabulary at the request's temperature (τ = 1 when greedy).
   */
  readonly logprobs: Float32Array;
  /** Entropy of softmax(z/τ) in nats. */
  readonly entropy: Float32Array;
  readonly finish: 'eos' | 'stop' | 'length';
}

export interface GenerateOptions {
  readonly onCompletion?: (completion: Completion) => void;
  readonly onTokens?: (generated: number) => void;
  readonly signal?: AbortSignal;
}

/** Throws a sentence for a request that the model cannot compute. */
export function checkRequest(
  r: GenerateRequest,
  { maxPositions: context, vocabSize: vocab }: ModelConfig,
): void {
  if (r.prompt.length === 0)
    throw new Error('A prompt has no token; at least one is needed to predict from.');
  if (r.prompt.length + r.maxTokens > context) {
    throw new Error(
      `A prompt of ${r.prompt.length} tokens and ${r.maxTokens} new ones exceed the model's ` +
        `context of ${context}. Shorten the prompt or ask for fewer tokens.`,
    );
  }
  const beyond = r.prompt.find((id) => id < 0 || id >= vocab);
  if (beyond !== undefined)
    throw new Error(
      `Token id ${beyond} is beyond the model's vocabulary of ${vocab}: the tokenizer does not belong to this model.`,
    );
  if (r.stopIds.length > MAX_STOP_IDS)
    throw new Error(
      `${r.stopIds.length} stop ids were given; at most ${MAX_STOP_IDS} are supported.`,
    );
}
