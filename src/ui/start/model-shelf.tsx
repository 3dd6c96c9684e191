import { useState } from 'react';
import { formatBytes } from '../../lib/format.ts';
import type { ModelShelf as Shelf } from '../../schema/models.ts';
import { hubRepo, isLive, modelParts, preferredId, shelfRepos } from '../../state/model-places.ts';
import type { Route } from '../../state/route.ts';
import { formatParameters } from '../format.ts';
import { go, useModelPlace, useModelsState } from '../hooks.ts';
import { FolderField } from './folder-field.tsx';
import { PanelText } from '../parts/rack.tsx';
import { Hidden, Label, Sentence } from '../parts/text.tsx';
import { Lamp } from '../parts/lamp.tsx';
import { Button } from '../parts/button.tsx';
import { SettingNote } from '../parts/setting.tsx';
import { classNames } from '../parts/part.tsx';
import styles from './model-shelf.module.css';

const SAID = classNames(styles.shelf, styles.said);

type StartRoute = Extract<Route, { screen: 'start' }>;

/**
 * Every model that can be chosen: embedded, offered by name, here already, of the hub, or in a
 * folder.
 */
export function ModelShelf({ route }: { readonly route: StartRoute }) {
  const shelf = useModelsState((state) => state.shelf);
  if (shelf.state === 'loading')
    return (
      <PanelText as="div" className={SAID}>
        Reading what is here…
      </PanelText>
    );
  if (shelf.state === 'error')
    return (
      <Sentence error className={SAID}>
        {shelf.message}
      </Sentence>
    );
  const chosen = modelParts(route.model)?.repo ?? route.model;
  return (
    <div className={styles.shelf} id="model-shelf">
      <fieldset className={styles.rows}>
        <Hidden as="legend">Model</Hidden>
        {shelfRepos(shelf.data, route.model).map((repo) => (
          <ShelfRow
            key={repo}
            repo={repo}
            chosen={repo === chosen}
            shelf={shelf.data}
            route={route}
          />
        ))}
      </fieldset>
      <div className={styles.more}>
        <HubField route={route} shelf={shelf.data} />
        <FolderField onModel={(model) => go({ ...route, model })} />
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
    <label
      className={styles.row}
      data-chosen={chosen}
      data-here={state === 'here' || state === 'embedded'}
    >
      <span className={styles.name}>
        <input
          type="radio"
          name="model"
          value={repo}
          checked={chosen}
          onChange={() => go({ ...route, model: id }, 'replace')}
        />
        {title}
      </span>
      <span className={styles.figure}>
        {repo === 'nano' ? '1.1 M' : offer ? formatParameters(offer.parameters) : '–'}
      </span>
      <span className={styles.figure}>
        {precision !== null && (kept !== null ? `${formatBytes(kept)} at ${precision}` : precision)}
      </span>
      <span className={styles.state}>
        <Lamp
          tone={
            state === 'here' || state === 'embedded'
              ? 'good'
              : isLive(transfer)
                ? 'live'
                : state === 'begun'
                  ? 'wait'
                  : ''
          }
        />
        {state === 'embedded' && 'embedded'}
        {state === 'here' && 'here'}
        {state === 'coming' && 'coming'}
        {state === 'begun' &&
          `begun, ${stored && stored.total > 0 ? Math.floor((100 * stored.done) / stored.total) : 0} %`}
        {state === 'absent' && 'to download'}
      </span>
      <span className={styles.note}>
        {repo === 'nano'
          ? 'A step in seconds on anything: the quickest way to see every method at work.'
          : offer?.note}
      </span>
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
      className={styles.field}
      onSubmit={(event) => {
        event.preventDefault();
        if (repo !== null) go({ ...route, model: preferredId(repo, shelf) });
      }}
    >
      <Label as="label" htmlFor="hub-repo">
        Another model of the hub
      </Label>
      <span className={styles.line}>
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
        <Button type="submit" disabled={repo === null}>
          Choose
        </Button>
      </span>
      <SettingNote as="span" id="hub-repo-note" data-wrong={wrong}>
        {wrong
          ? 'A name has two parts: owner/name, with @revision behind it if you like.'
          : 'Qwen2, Llama or Qwen3 architecture, in safetensors.'}
      </SettingNote>
    </form>
  );
}
