import * as v from 'valibot';
import { WEIGHT_PRECISIONS } from '../lib/weight-blocks.ts';

/** How a model's matrices are kept: as they come, or converted on arrival. */
export const MODEL_PRECISIONS = ['stored', ...WEIGHT_PRECISIONS] as const;
export type ModelPrecision = (typeof MODEL_PRECISIONS)[number];

const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A model in this browser or cache folder, whole or begun. */
export const StoredModel = v.object({
  /** `owner/name[@revision]:precision`; what `RunConfig.model` and the messages name it by. */
  id: v.string(),
  /** The hub's `owner/name`, or `local/LABEL` of files that were imported. */
  repo: v.string(),
  /** Branch, tag or commit that was asked for; null for imported files. */
  revision: v.nullable(v.string()),
  /** The commit the files are of. */
  commit: v.nullable(v.string()),
  precision: v.picklist(MODEL_PRECISIONS),
  /** As the hub names it, for display. */
  licence: v.nullable(v.string()),
  /** Taken here. */
  bytes,
  /** Every file is here, of the size it had when it was checked. */
  complete: v.boolean(),
  /** Bytes of the source that need not be fetched again, of so many. */
  done: bytes,
  total: bytes,
  /** One sentence where something is missing: what, and what mends it. */
  problem: v.nullable(v.string()),
});
export type StoredModel = v.InferOutput<typeof StoredModel>;

/**
 * `following`: another tab or process fetches the same model. `waiting`: the next try comes by
 * itself. The last three end a download.
 */
export const TRANSFER_STATES = [
  'starting',
  'running',
  'following',
  'waiting',
  'done',
  'failed',
  'cancelled',
] as const;

/** A download or an import under way, or how it ended. */
export const ModelTransfer = v.object({
  /** The id of the stored model that it makes. */
  id: v.string(),
  repo: v.string(),
  precision: v.picklist(MODEL_PRECISIONS),
  state: v.picklist(TRANSFER_STATES),
  /** The file that comes now. */
  file: v.nullable(v.string()),
  /** Bytes of the source, those of an earlier visit included; 0 of 0 before the files are known. */
  done: bytes,
  total: bytes,
  /** One sentence: what is waited for, what was begun anew, why it failed. */
  note: v.nullable(v.string()),
});
export type ModelTransfer = v.InferOutput<typeof ModelTransfer>;

/** A model that is known to work, offered by name. */
export const ModelOffer = v.object({
  repo: v.string(),
  title: v.string(),
  /** Number of weights, embedding included. */
  parameters: v.number(),
  /** Of these in the embedding and the output head, which quantised models keep at 8 bits. */
  embedding: v.number(),
  /** Bytes that are fetched, whatever they are kept as. */
  download: v.number(),
  /** What it is good for, in one sentence. */
  note: v.string(),
});
export type ModelOffer = v.InferOutput<typeof ModelOffer>;

/** Room for models; null where the platform does not say. */
export const ModelRoom = v.object({
  used: v.nullable(bytes),
  free: v.nullable(bytes),
  /** The browser will not clear it unasked when its disk fills up. */
  persisted: v.nullable(v.boolean()),
});
export type ModelRoom = v.InferOutput<typeof ModelRoom>;

/** What a screen about models shows. */
export const ModelShelf = v.object({
  offers: v.array(ModelOffer),
  stored: v.array(StoredModel),
  room: ModelRoom,
  /** Where models come from: the hub, or another address that was set. */
  hub: v.string(),
});
export type ModelShelf = v.InferOutput<typeof ModelShelf>;
