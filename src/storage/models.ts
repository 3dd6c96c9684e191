import * as v from 'valibot';
import { messageOf, StorageFullError } from '../lib/errors.ts';
import { formatBytes } from '../lib/format.ts';
import { readModelConfig } from '../model/gpu-engine.ts';
import { openWeights, type FileSource } from '../model/weights/source.ts';
import {
  MODEL_PRECISIONS,
  type ModelPrecision,
  type ModelRoom,
  type StoredModel,
} from '../schema/models.ts';
import type { Hub } from './hub/hub.ts';
import { Retries, type Clock } from './hub/retry.ts';
import { encodeLines } from './log-lines.ts';
import { folderBytes, writeWhole, type ModelFolder, type ModelFolders } from './model-folders.ts';
import {
  doneBytes,
  JOURNAL,
  Marker,
  MARKER,
  NOT_BEGUN,
  readJournal,
  totalBytes,
  type FileState,
  type Journal,
  type JournalLine,
  type Plan,
} from './model-journal.ts';
import { hubOrigin, localOrigin, lookAt, type Origin, type RemoteLook } from './origin.ts';
import { DURABLE_EVERY, inPrecision, Transfer, type TransferProgress } from './transfer.ts';

export interface TransferOptions {
  readonly precision: ModelPrecision;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TransferProgress) => void;
}

/** Models of the hub and of local files, kept on this machine. */
export interface ModelStore {
  list(): Promise<StoredModel[]>;
  /** The files of a whole model; null where it is not here or not whole. Asks nobody. */
  open(id: string): Promise<FileSource | null>;
  /**
   * What the hub says of a repository, named as in `download`; nothing is kept of it but in memory.
   */
  lookUp(repo: string): Promise<RemoteLook>;
  /**
   * The files of `repo` (`owner/name` or `owner/name@revision`): at once where they are here, else
   * fetched from where they were left. Where another tab or process is fetching them, waits for it.
   */
  download(repo: string, options: TransferOptions): Promise<FileSource>;
  /** Keeps files that are at hand as `local/label`. */
  importFiles(label: string, source: FileSource, options: TransferOptions): Promise<FileSource>;
  delete(id: string): Promise<void>;
  room(): Promise<ModelRoom>;
}

export interface StorePorts {
  readonly folders: ModelFolders;
  readonly hub: Hub;
  readonly clock: Clock;
  readonly durableEvery?: number;
}

/** A model as a person names it. */
export interface ModelName {
  readonly repo: string;
  readonly revision: string;
  /** Null where the name has none. */
  readonly precision: ModelPrecision | null;
}

const NAME = /^([\w][\w.-]*\/[\w][\w.-]*)(?:@([\w][\w./-]*))?(?::(\w+))?$/;

/** `owner/name[@revision][:precision]`; null for anything else, such as the path of a folder. */
export function parseModelName(text: string): ModelName | null {
  const [, repo, revision, precision] = NAME.exec(text) ?? [];
  if (repo === undefined) return null;
  const known = MODEL_PRECISIONS.find((name) => name === precision);
  if (precision !== undefined && known === undefined) return null;
  return { repo, revision: revision ?? MAIN, precision: known ?? null };
}

const MAIN = 'main';

/** A name of the hub, without a precision; throws a sentence for anything else. */
function hubName(text: string): ModelName {
  const name = parseModelName(text);
  if (name && name.precision === null) return name;
  throw new Error(
    `\`${text}\` is not the name of a model at the hub: owner/name or owner/name@revision.`,
  );
}

/** Longest that somebody waits for what the hub says of a repository, ms. */
const LOOK_MS = 20_000;

export function modelId(repo: string, revision: string | null, precision: ModelPrecision): string {
  return `${repo}${revision === null || revision === MAIN ? '' : `@${revision}`}:${precision}`;
}

/**
 * What a configuration's `model` and `weights` name, with the precision that it is kept at. Throws
 * a sentence where that is no model.
 */
export function namedModel(
  model: string,
  weights: ModelPrecision | null,
): ModelName & { readonly wanted: ModelPrecision } {
  const name = parseModelName(model);
  if (!name)
    throw new Error(
      `\`${model}\` is not the name of a model: nano, owner/name, or the id of a stored one.`,
    );
  return { ...name, wanted: name.precision ?? weights ?? 'stored' };
}

/**
 * The model that a configuration means: by the id of a stored one, or by `owner/name` with the
 * precision of its weights (none: as stored). Where it is kept as stored only, the engine converts
 * it as it loads. Null where it is not here.
 */
export async function findStored(
  store: Pick<ModelStore, 'open'>,
  model: string,
  weights: ModelPrecision | null,
): Promise<FileSource | null> {
  const { repo, revision, precision, wanted } = namedModel(model, weights);
  return (
    (await store.open(modelId(repo, revision, wanted))) ??
    (precision === null ? store.open(modelId(repo, revision, 'stored')) : null)
  );
}

/** The same; throws a sentence where it is not here. */
export async function openStored(
  store: Pick<ModelStore, 'open' | 'list'>,
  model: string,
  weights: ModelPrecision | null,
): Promise<FileSource> {
  const source = await findStored(store, model, weights);
  if (source) return source;
  const { wanted, ...name } = namedModel(model, weights);
  const here = (await store.list())
    .filter(({ repo, complete }) => repo === name.repo && complete)
    .map(({ id }) => id);
  const other = here.length > 0 ? ` Stored here: ${here.join(', ')}.` : '';
  throw new Error(
    `${model} ${inPrecision(wanted)} is not stored here; download it first, under Models.${other}`,
  );
}

/** Time between two looks at what another tab or process is fetching, ms. */
const FOLLOW_MS = 1_000;

export function createModelStore({
  folders,
  hub,
  clock,
  durableEvery = DURABLE_EVERY,
}: StorePorts): ModelStore {
  /**
   * What the hub said, by `owner/name@revision`: a screen plans anew with every setting that
   * changes.
   */
  const looks = new Map<string, RemoteLook>();

  /** What is known of the model in a folder; null for a folder of anything else. */
  async function look(folder: ModelFolder): Promise<Found | null> {
    const marker = parseMarker(await folder.read(MARKER));
    if (marker) return { marker, wrong: await missing(folder, marker) };
    const content = await folder.read(JOURNAL);
    return content && { journal: readJournal(content) };
  }

  async function whole(name: string): Promise<FileSource | null> {
    const folder = folders.folder(name);
    const found = await look(folder);
    return found && 'marker' in found && found.wrong.length === 0 ? folder : null;
  }

  /** Brings a model here, alone among all tabs and processes. */
  async function bring(
    identity: Pick<Plan, 'id' | 'repo' | 'revision' | 'precision'>,
    origin: Origin,
    options: TransferOptions,
  ): Promise<FileSource> {
    const name = folderName(identity.id);
    for (;;) {
      options.signal.throwIfAborted();
      const here = await whole(name);
      if (here) return here;
      const release = await folders.claim(name);
      if (!release) {
        await follow(name, options);
        continue;
      }
      try {
        return (
          (await whole(name)) ?? (await fetchInto(folders.folder(name), identity, origin, options))
        );
      } finally {
        await release();
      }
    }
  }

  /** Shows how far another tab or process is, and looks again a little later. */
  async function follow(name: string, { signal, onProgress }: TransferOptions): Promise<void> {
    const found = await look(folders.folder(name));
    const journal = found && 'journal' in found ? found.journal : null;
    const plan = journal?.plan ?? null;
    onProgress({
      state: 'following',
      file: null,
      done: plan ? doneBytes(plan, journal!.files) : 0,
      total: plan ? totalBytes(plan) : 0,
      note: 'Another tab or process is fetching this model.',
    });
    await clock.wait(FOLLOW_MS, signal);
  }

  async function fetchInto(
    folder: ModelFolder,
    identity: Pick<Plan, 'id' | 'repo' | 'revision' | 'precision'>,
    origin: Origin,
    options: TransferOptions,
  ): Promise<FileSource> {
    const { signal, onProgress } = options;
    const report = (state: 'starting' | 'waiting', note: string | null) =>
      onProgress({ state, file: null, done: 0, total: 0, note });
    report('starting', null);
    const found = await look(folder);
    if (!found && (await folder.files()).length > 0)
      throw new Error(
        `${folder.label} holds files of something else; move them away, then start the download again.`,
      );
    const begun = found && begunWith(found);
    let plan = begun?.plan ?? null;
    const states = new Map(begun?.files ?? []);
    if (!plan) {
      const retries = new Retries(clock, signal, (note) => report('waiting', note));
      plan = {
        version: 1,
        ...identity,
        ...(await origin.plan(identity.precision, retries, signal)),
      };
    }
    await checkRoom(plan, await folderBytes(folder));
    const journal = await folder.write(JOURNAL, begun?.bytes ?? 0);
    try {
      if (begun?.plan !== plan || begun.bytes === 0) {
        await journal.append(encodeLines(openingLines(plan, states)));
        await journal.flush();
      }
      await folder.remove(MARKER);
      const ports = { folder, origin, clock, signal, onProgress, durableEvery };
      const brought = await new Transfer(ports, plan, states, journal).run();
      await openWeights(folder, await readModelConfig(folder));
      await writeWhole(folder, MARKER, markerOf(brought.plan, brought.kept));
    } catch (error) {
      if (error instanceof StorageFullError) throw await full(error, plan, folder);
      throw error;
    } finally {
      await journal.close();
    }
    await folder.remove(JOURNAL);
    return folder;
  }

  async function full(
    cause: StorageFullError,
    plan: Plan,
    folder: ModelFolder,
  ): Promise<StorageFullError> {
    const { free } = await folders.room();
    const left = formatBytes(Math.max(0, plan.needs - (await folderBytes(folder))));
    const room = free === null ? '' : `, ${formatBytes(free)} are free`;
    return new StorageFullError(
      `${folders.place} is full: ${plan.repo} ${inPrecision(plan.precision)} needs another ` +
        `${left}${room}. What has come is kept; make room and start the same download again, or ` +
        'delete it.',
      { cause },
    );
  }

  async function checkRoom(plan: Plan, present: number): Promise<void> {
    const { free } = await folders.room();
    const left = plan.needs - present;
    if (free === null || left <= free) return;
    throw new Error(
      `${plan.repo} ${inPrecision(plan.precision)} needs ${formatBytes(left)} more, ` +
        `${formatBytes(free)} are free in ${folders.place}; make room, delete a model, or take a ` +
        'smaller precision.',
    );
  }

  return {
    async list() {
      const models = await Promise.all(
        (await folders.names()).map(async (name) => {
          const folder = folders.folder(name);
          const found = await look(folder).catch((error: unknown) => ({
            damage: messageOf(error),
          }));
          return found && 'damage' in found
            ? null
            : found && storedModel(found, await folderBytes(folder));
        }),
      );
      return models.filter((model) => model !== null).sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    open: (id) => whole(folderName(id)),
    async download(text, options) {
      const { repo, revision } = hubName(text);
      const id = modelId(repo, revision, options.precision);
      const { precision } = options;
      return bring({ id, repo, revision, precision }, hubOrigin(hub, repo, revision), options);
    },
    async lookUp(text) {
      const name = hubName(text);
      const key = `${name.repo}@${name.revision}`;
      const known = looks.get(key);
      if (known) return known;
      const signal = AbortSignal.timeout(LOOK_MS);
      let last = `The hub does not answer within ${LOOK_MS / 1000} s; see whether this machine is online.`;
      try {
        const look = await lookAt(
          hub,
          name.repo,
          name.revision,
          new Retries(clock, signal, (note) => (last = note)),
          signal,
        );
        looks.set(key, look);
        return look;
      } catch (error) {
        throw signal.aborted ? new Error(last, { cause: error }) : error;
      }
    },
    importFiles(label, source, options) {
      const repo = localRepo(label);
      const { precision } = options;
      const identity = { id: modelId(repo, null, precision), repo, revision: null, precision };
      return bring(identity, localOrigin(source), options);
    },
    async delete(id) {
      const name = folderName(id);
      const release = await folders.claim(name);
      if (!release)
        throw new Error(`${id} is being fetched by another tab or process; end that first.`);
      try {
        if (await look(folders.folder(name))) await folders.remove(name);
      } finally {
        await release();
      }
    },
    room: () => folders.room(),
  };
}

/** The repository that imported files are kept as. */
export function localRepo(label: string): string {
  return `local/${label.replace(/[^\w.-]+/g, '-').replace(/^[^\w]+/, '') || 'model'}`;
}

/**
 * A whole model with the files of it that are missing or of another size, or one that was begun.
 */
type Found =
  { readonly marker: Marker; readonly wrong: readonly string[] } | { readonly journal: Journal };

/** A name that every file system takes; the ids themselves stand in the records. */
function folderName(id: string): string {
  return id.replaceAll('/', '--').replace(':', '--');
}

function parseMarker(content: Uint8Array | null): Marker | null {
  if (content === null) return null;
  try {
    const parsed = v.safeParse(Marker, JSON.parse(new TextDecoder().decode(content)));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

async function missing(folder: ModelFolder, marker: Marker): Promise<string[]> {
  const sizes = await Promise.all(marker.files.map(({ path }) => folder.size(path)));
  return marker.files.filter((file, i) => sizes[i] !== file.kept).map(({ path }) => path);
}

/** What to go on from: a journal as it is, a damaged model without the files that are wrong. */
function begunWith(found: Found): Journal {
  if ('journal' in found) return found.journal;
  const { marker, wrong } = found;
  const files = new Map<string, FileState>();
  for (const { path, kept } of marker.files)
    if (!wrong.includes(path)) files.set(path, { ...NOT_BEGUN, kept });
  const needs = marker.files.reduce((sum, { kept }) => sum + kept, 0);
  return { plan: { ...marker, needs }, files, bytes: 0 };
}

function openingLines(plan: Plan, states: ReadonlyMap<string, FileState>): JournalLine[] {
  const done = [...states].filter(([, { kept }]) => kept !== null);
  return [
    { type: 'plan', plan },
    ...done.map(([path, { kept }]) => ({ type: 'done' as const, path, kept: kept! })),
  ];
}

function markerOf(plan: Plan, kept: ReadonlyMap<string, number>): Uint8Array {
  const { needs: _, files, ...identity } = plan;
  const marker: Marker = {
    ...identity,
    files: files.map((file) => ({ ...file, kept: kept.get(file.path) ?? 0 })),
  };
  return new TextEncoder().encode(`${JSON.stringify(marker, null, 2)}\n`);
}

function storedModel(found: Found, bytes: number): StoredModel | null {
  const plan = 'marker' in found ? found.marker : found.journal.plan;
  if (!plan) return null;
  const { id, repo, revision, commit, precision, licence } = plan;
  const begun = begunWith(found);
  const total = totalBytes(plan);
  const wrong = 'marker' in found ? found.wrong : [];
  return {
    id,
    repo,
    revision,
    commit,
    precision,
    licence,
    bytes,
    complete: 'marker' in found && wrong.length === 0,
    done: begun.plan ? doneBytes(begun.plan, begun.files) : 0,
    total,
    problem: problemOf(found, wrong),
  };
}

function problemOf(found: Found, wrong: readonly string[]): string | null {
  const files = wrong.join(', ');
  if (wrong.length > 0)
    return `${files} ${wrong.length > 1 ? 'are' : 'is'} missing or short; download the model again to mend it.`;
  return 'journal' in found ? 'The download is not finished; start it again to continue.' : null;
}
