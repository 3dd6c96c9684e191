import { useState } from 'react';
import { formatBytes } from '../../lib/format.ts';
import type { ModelPrecision, ModelShelf as Shelf } from '../../schema/models.ts';
import {
  defaultPrecision,
  hubRepo,
  isLive,
  modelParts,
  OFFERED_PRECISIONS,
  preferredId,
  shelfRepos,
} from '../../state/model-places.ts';
import type { Route } from '../../state/route.ts';
import { formatParameters } from '../format.ts';
import { go, useLab, useModelPlace, useModelsState } from '../hooks.ts';
import { droppedFiles, pickedFiles, type FolderFiles } from '../parts/folder-files.ts';

type StartRoute = Extract<Route, { screen: 'start' }>;

/** Every model that can be chosen: embedded, offered by name, here already, of the hub, or in a folder. */
export function ModelShelf({ route }: { readonly route: StartRoute }) {
  const shelf = useModelsState((state) => state.shelf);
  if (shelf.state === 'loading') return <div className="shelf module-text">Reading what is here…</div>;
  if (shelf.state === 'error') return <p className="shelf sentence error">{shelf.message}</p>;
  const chosen = modelParts(route.model)?.repo ?? route.model;
  return (
    <div className="shelf" id="model-shelf">
      <fieldset className="shelf-rows">
        <legend className="visually-hidden">Model</legend>
        {shelfRepos(shelf.data, route.model).map((repo) => (
          <ShelfRow key={repo} repo={repo} chosen={repo === chosen} shelf={shelf.data} route={route} />
        ))}
      </fieldset>
      <div className="shelf-more">
        <HubField route={route} shelf={shelf.data} />
        <FolderField route={route} />
      </div>
    </div>
  );
}

interface RowProps {
  readonly repo: string;
  readonly chosen: boolean;
  readonly shelf: Shelf;
  readonly route: StartRoute;
}

function ShelfRow({ repo, chosen, shelf, route }: RowProps) {
  const id = repo === 'nano' ? 'nano' : chosen ? route.model : preferredId(repo, shelf);
  const place = useModelPlace(id);
  if (!place) return null;
  const { title, offer, precision, state, stored, kept, transfer } = place;
  return (
    <label className="shelf-row" data-chosen={chosen} data-here={state === 'here' || state === 'embedded'}>
      <span className="shelf-name">
        <input type="radio" name="model" value={repo} checked={chosen} onChange={() => go({ ...route, model: id }, 'replace')} />
        {title}
      </span>
      <span className="shelf-figure">{repo === 'nano' ? '1.1 M' : offer ? formatParameters(offer.parameters) : '–'}</span>
      <span className="shelf-figure">
        {precision !== null && (kept !== null ? `${formatBytes(kept)} at ${precision}` : precision)}
      </span>
      <span className="shelf-state">
        <span className="lamp" data-tone={state === 'here' || state === 'embedded' ? 'good' : isLive(transfer) ? 'live' : state === 'begun' ? 'wait' : ''} />
        {state === 'embedded' && 'embedded'}
        {state === 'here' && 'here'}
        {state === 'coming' && 'coming'}
        {state === 'begun' && `begun, ${stored && stored.total > 0 ? Math.floor((100 * stored.done) / stored.total) : 0} %`}
        {state === 'absent' && 'to download'}
      </span>
      <span className="shelf-note">{repo === 'nano' ? 'A step in seconds on anything: the quickest way to see every method at work.' : offer?.note}</span>
    </label>
  );
}

/** Any repository of the hub, by its name or address. */
function HubField({ route, shelf }: { readonly route: StartRoute; readonly shelf: Shelf }) {
  const [text, setText] = useState('');
  const repo = hubRepo(text);
  const wrong = text.trim() !== '' && repo === null;
  return (
    <form
      className="shelf-field"
      onSubmit={(event) => {
        event.preventDefault();
        if (repo !== null) go({ ...route, model: preferredId(repo, shelf) });
      }}
    >
      <label className="label" htmlFor="hub-repo">
        Another model of the hub
      </label>
      <span className="shelf-line">
        <input
          id="hub-repo"
          value={text}
          placeholder="owner/name"
          spellCheck={false}
          autoCapitalize="off"
          aria-invalid={wrong}
          aria-describedby="hub-repo-note"
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="button" disabled={repo === null}>
          Choose
        </button>
      </span>
      <span className="setting-note" id="hub-repo-note" data-wrong={wrong}>
        {wrong ? 'A name has two parts: owner/name, with @revision behind it if you like.' : 'Qwen2, Llama or Qwen3 architecture, in safetensors.'}
      </span>
    </form>
  );
}

/** A model's folder on this machine, picked or dropped, copied and converted. */
function FolderField({ route }: { readonly route: StartRoute }) {
  const lab = useLab();
  const [precision, setPrecision] = useState<ModelPrecision>(defaultPrecision(null));
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState(false);

  async function take(given: Promise<FolderFiles | null> | FolderFiles | null) {
    setBusy(true);
    const found = await given;
    const id = found && (await lab.models.importFiles(found.label, found.files, precision));
    setBusy(false);
    if (id) go({ ...route, model: id });
  }

  return (
    <div className="shelf-field">
      <span className="label">A model on this machine</span>
      <label
        className="folder-drop"
        data-over={over}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take(droppedFiles(event.dataTransfer));
        }}
      >
        <input
          type="file"
          className="visually-hidden"
          // React knows the attribute by no other name.
          {...{ webkitdirectory: '' }}
          disabled={busy}
          onChange={(event) => {
            if (event.target.files) void take(pickedFiles(event.target.files));
            event.target.value = '';
          }}
        />
        <span>{busy ? 'Reading it…' : 'Choose its folder, or drop folder or files here'}</span>
      </label>
      <span className="shelf-line">
        <span className="setting-note">config.json, tokenizer.json and safetensors, kept as</span>
        <select aria-label="Precision of the imported weights" value={precision} onChange={(event) => setPrecision(event.target.value as ModelPrecision)}>
          {OFFERED_PRECISIONS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </span>
    </div>
  );
}
