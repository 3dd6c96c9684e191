import type {
  ModelOffer,
  ModelPrecision,
  ModelShelf,
  ModelTransfer,
  StoredModel,
} from '../schema/models.ts';
import { MODEL_PRECISIONS } from '../schema/models.ts';
import type { ModelsState } from './models-state.ts';

/**
 * Where a model is: in the page itself, on this machine, on its way, begun and left, or still at
 * the hub.
 */
export type ModelState = 'embedded' | 'here' | 'coming' | 'begun' | 'absent';

/** All that is known of a model that a screen names. */
export interface ModelPlace {
  /** `nano`, or `owner/name[@revision]:precision`. */
  readonly id: string;
  /** `owner/name[@revision]`; `nano`. */
  readonly repo: string;
  /** Null of nano, which is as it is. */
  readonly precision: ModelPrecision | null;
  readonly title: string;
  readonly state: ModelState;
  readonly offer: ModelOffer | null;
  readonly stored: StoredModel | null;
  /** Under way, or how the last one of this tab ended. */
  readonly transfer: ModelTransfer | null;
  /**
   * Bytes to fetch in all, and bytes that stay here; null where nobody knows before it has begun.
   */
  readonly download: number | null;
  readonly kept: number | null;
}

/** What is offered for a model that is converted on arrival, smallest first. */
export const OFFERED_PRECISIONS = [
  'q4',
  'q8',
  'f16',
  'f32',
] as const satisfies readonly ModelPrecision[];

/** Weights from which 4 bits are the default: smaller models lose more by them and gain less. */
const Q4_FROM = 1e9;

export function defaultPrecision(parameters: number | null): ModelPrecision {
  return parameters !== null && parameters < Q4_FROM ? 'q8' : 'q4';
}

/** Bytes a weight, scales of blocks included (docs/gpu.md); embedding and head of q4 are q8. */
const BYTES: Record<ModelPrecision, number> = {
  stored: 2,
  f32: 4,
  f16: 2,
  q8: 34 / 32,
  q4: 18 / 32,
};

/** Bytes that a model takes here once it is converted. */
export function keptBytes(
  { parameters, embedding }: Pick<ModelOffer, 'parameters' | 'embedding'>,
  precision: ModelPrecision,
): number {
  const head = BYTES[precision === 'q4' ? 'q8' : precision];
  return Math.ceil((parameters - embedding) * BYTES[precision] + embedding * head);
}

/** `owner/name[@revision]:precision` taken apart; null where it is none. */
export function modelParts(
  id: string,
): { readonly repo: string; readonly precision: ModelPrecision } | null {
  const at = id.lastIndexOf(':');
  const precision = MODEL_PRECISIONS.find((known) => known === id.slice(at + 1));
  return at > 0 && precision ? { repo: id.slice(0, at), precision } : null;
}

/**
 * What was typed as a repository of the hub, its address included: `owner/name[@revision]`; null
 * where it is none.
 */
export function hubRepo(text: string): string | null {
  const trimmed = text
    .trim()
    .replace(/^https?:\/\/[^/]+\//, '')
    .replace(/\/$/, '');
  return /^\w[\w.-]*\/\w[\w.-]*(@\w[\w./-]*)?$/.test(trimmed)
    ? trimmed.replace(/@main$/, '')
    : null;
}

/** `owner/name` of `owner/name@revision`. */
const plain = (repo: string) => repo.replace(/@.*$/, '');

const LIVE: readonly ModelTransfer['state'][] = ['starting', 'running', 'following', 'waiting'];

export function isLive(transfer: ModelTransfer | null | undefined): boolean {
  return transfer != null && LIVE.includes(transfer.state);
}

const NANO: ModelPlace = {
  id: 'nano',
  repo: 'nano',
  precision: null,
  title: 'nano',
  state: 'embedded',
  offer: null,
  stored: null,
  transfer: null,
  download: 0,
  kept: 0,
};

type Known = Pick<ModelsState, 'transfers' | 'lookUps'>;

/** What is known of the model an id names; null where the id names none. */
export function placeOf(
  id: string,
  shelf: ModelShelf | null,
  { transfers, lookUps }: Known,
): ModelPlace | null {
  if (id === 'nano') return NANO;
  const parts = modelParts(id);
  if (!parts) return null;
  const { repo, precision } = parts;
  const looked = lookUps[repo];
  const offer =
    shelf?.offers.find((known) => known.repo === plain(repo)) ??
    (looked?.state === 'ready' ? looked.data : null);
  const stored = shelf?.stored.find((held) => held.id === id) ?? null;
  const transfer = transfers[id] ?? null;
  const state = isLive(transfer)
    ? 'coming'
    : stored
      ? stored.complete
        ? 'here'
        : 'begun'
      : 'absent';
  return {
    id,
    repo,
    precision,
    title: offer?.title ?? plain(repo).replace(/^local\//, ''),
    state,
    offer,
    stored,
    transfer,
    download: (transfer?.total || stored?.total) ?? offer?.download ?? null,
    kept: stored?.complete ? stored.bytes : offer ? keptBytes(offer, precision) : null,
  };
}

/** Something is known of it to plan a run by: its files, or what the hub says. */
export function canPlan({
  state,
  repo,
  offer,
}: Pick<ModelPlace, 'state' | 'repo' | 'offer'>): boolean {
  if (state === 'embedded' || state === 'here') return true;
  return !repo.startsWith('local/') && (state !== 'absent' || offer !== null);
}

/**
 * The id that choosing a repository leads to: what is here of it, what was begun, or its default
 * precision.
 */
export function preferredId(repo: string, shelf: ModelShelf): string {
  const of = shelf.stored.filter((held) => modelParts(held.id)?.repo === repo);
  const held = of.find(({ complete }) => complete) ?? of[0];
  const offer = shelf.offers.find((known) => known.repo === repo);
  return held?.id ?? `${repo}:${defaultPrecision(offer?.parameters ?? null)}`;
}

/**
 * Repositories that can be chosen: the embedded model, those offered by name, others that are here
 * or begun, and the one chosen now.
 */
export function shelfRepos(shelf: ModelShelf, chosen: string): string[] {
  const ids = [...shelf.stored.map(({ id }) => id), chosen];
  return [
    ...new Set([
      'nano',
      ...shelf.offers.map(({ repo }) => repo),
      ...ids.flatMap((id) => modelParts(id)?.repo ?? []),
    ]),
  ];
}

/** Downloads and imports under way, or failed, of which nothing is stored. */
export function unstoredTransfers(
  shelf: ModelShelf,
  transfers: Known['transfers'],
): ModelTransfer[] {
  return Object.values(transfers).filter(
    (transfer) =>
      (isLive(transfer) || transfer.state === 'failed') &&
      shelf.stored.every(({ id }) => id !== transfer.id),
  );
}

/**
 * One sentence where a model asks for more room than there is; null where it fits, or nobody knows.
 */
export function roomSentence(
  { kept, stored }: Pick<ModelPlace, 'kept' | 'stored'>,
  free: number | null,
  bytes: (n: number) => string,
): string | null {
  if (kept === null || free === null) return null;
  const need = kept - (stored?.bytes ?? 0);
  return need <= free
    ? null
    : `It needs ${bytes(need)} more and the browser has ${bytes(free)} left for this page; delete something first.`;
}
