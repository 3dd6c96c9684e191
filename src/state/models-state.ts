import type { ModelOffer, ModelShelf, ModelTransfer } from '../schema/models.ts';
import type { Loadable } from './loadable.ts';
import type { Sample } from './speed.ts';

/** What the screens know of models. */
export interface ModelsState {
  readonly shelf: Loadable<ModelShelf>;
  /**
   * Downloads and imports of this tab since the page opened, by the id of the model; ended ones
   * with how they ended.
   */
  readonly transfers: Readonly<Record<string, ModelTransfer>>;
  /** How far live ones had come in the last seconds, by the same id. */
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
  /** What the hub said of repositories that were typed. */
  readonly lookUps: Readonly<Record<string, Loadable<ModelOffer>>>;
}
