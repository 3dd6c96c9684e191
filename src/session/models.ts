import { messageOf } from '../lib/errors.ts';
import { CATALOGUE } from '../model/weights/catalogue.ts';
import type { FileSource } from '../model/weights/source.ts';
import type { ModelOffer, ModelPrecision, ModelShelf, ModelTransfer } from '../schema/models.ts';
import type { SessionRequest, ToPage } from '../schema/protocol.ts';
import { blobSource } from '../storage/blob-source.ts';
import {
  localRepo,
  modelId,
  parseModelName,
  type ModelStore,
  type TransferOptions,
} from '../storage/models.ts';

export interface ModelPorts {
  readonly store: ModelStore;
  /** Address of the hub, for people. */
  readonly hub: string;
}

/** Shortest time between two messages of one transfer, ms. */
const MESSAGE_INTERVAL = 200;

/** Downloads and imports of a page: started, told about, called off. */
export class Models {
  private readonly running = new Map<string, AbortController>();

  constructor(
    private readonly ports: ModelPorts,
    private readonly post: (message: ToPage) => void,
  ) {}

  async shelf(): Promise<ModelShelf> {
    const { store, hub } = this.ports;
    const [stored, room] = await Promise.all([store.list(), store.room()]);
    return { offers: [...CATALOGUE], stored, room, hub };
  }

  async lookUp(repo: string): Promise<ModelOffer> {
    return (await this.ports.store.lookUp(repo.trim())).offer;
  }

  download(text: string, precision: ModelPrecision): { id: string } {
    const name = parseModelName(text.trim());
    if (!name || name.precision !== null)
      throw new Error(
        `\`${text}\` is not the name of a model at the hub: write owner/name, or owner/name@revision.`,
      );
    const { repo, revision } = name;
    return this.start(modelId(repo, revision, precision), repo, precision, (options) =>
      this.ports.store.download(text.trim(), options),
    );
  }

  import({ label, files, precision }: Extract<SessionRequest, { type: 'import-model' }>): {
    id: string;
  } {
    const repo = localRepo(label);
    return this.start(modelId(repo, null, precision), repo, precision, (options) =>
      this.ports.store.importFiles(label, blobSource(label, files), options),
    );
  }

  cancel(id: string): void {
    this.running.get(id)?.abort(new DOMException('Called off.', 'AbortError'));
  }

  async delete(id: string): Promise<void> {
    if (this.running.has(id))
      throw new Error(`${id} is on its way; cancel that before deleting it.`);
    await this.ports.store.delete(id);
  }

  /** A second request for a model that is on its way joins the first. */
  private start(
    id: string,
    repo: string,
    precision: ModelPrecision,
    bring: (options: TransferOptions) => Promise<FileSource>,
  ): { id: string } {
    if (this.running.has(id)) return { id };
    const control = new AbortController();
    this.running.set(id, control);
    const feed = this.feed({
      id,
      repo,
      precision,
      state: 'starting',
      file: null,
      done: 0,
      total: 0,
      note: null,
    });
    bring({ precision, signal: control.signal, onProgress: feed })
      .then(
        () => feed({ state: 'done', note: null, file: null }),
        (error: unknown) => {
          if (control.signal.aborted) feed({ state: 'cancelled', note: null });
          else feed({ state: 'failed', note: messageOf(error) });
        },
      )
      .finally(() => this.running.delete(id))
      .catch((error: unknown) => console.error(error));
    return { id };
  }

  /** Posts what changed; messages that differ in their counts only are thinned out. */
  private feed(first: ModelTransfer): (change: Partial<ModelTransfer>) => void {
    let transfer = first;
    let last = -Infinity;
    return (change) => {
      const before = transfer;
      transfer = { ...transfer, ...change };
      if (transfer.state === 'done') transfer = { ...transfer, done: transfer.total };
      const counts =
        before.state === transfer.state &&
        before.file === transfer.file &&
        before.note === transfer.note;
      if (counts && performance.now() - last < MESSAGE_INTERVAL) return;
      last = performance.now();
      this.post({ type: 'model', transfer });
    };
  }
}
