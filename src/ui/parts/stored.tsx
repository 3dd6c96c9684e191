import { useId, useState, type ReactNode } from 'react';
import { formatBytes } from '../../lib/format.ts';
import type { Loadable } from '../../state/loadable.ts';
import { formatDate } from '../format.ts';
import { Modal } from './modal.tsx';
import { Muted, Sentence } from './text.tsx';
import { Button } from './button.tsx';
import { Lamp } from './lamp.tsx';
import { part } from './part.tsx';
import styles from './stored.module.css';

/** What runs and evaluations on this machine have in common. */
interface Stored {
  readonly startedAt: number;
  readonly bytes: number;
  readonly state: string;
}

interface ListProps<T> {
  readonly title: string;
  readonly list: Loadable<readonly T[]>;
  /** Said where there are none. */
  readonly none: string;
  readonly row: (item: T, onDelete: () => void) => ReactNode;
  /** What the question before deleting asks, and what goes. */
  readonly deletion: (item: T) => { readonly title: string; readonly loss: string };
  readonly onDelete: (item: T) => void;
  /** Rows of what is not stored yet. */
  readonly before?: readonly ReactNode[];
  /** Beside the heading. */
  readonly tools?: ReactNode;
}

/** The stored items under their heading; none is deleted without a question. */
export function StoredList<T>({
  title,
  list,
  none,
  row,
  deletion,
  onDelete,
  before = [],
  tools,
}: ListProps<T>) {
  const id = useId();
  const [doomed, setDoomed] = useState<T | null>(null);
  return (
    <section className={styles.stored} aria-labelledby={id}>
      <div className={styles.head}>
        <h2 id={id}>{title}</h2>
        {tools}
      </div>
      {list.state === 'loading' && <Sentence>Reading what is stored…</Sentence>}
      {list.state === 'error' && <Sentence error>{list.message}</Sentence>}
      {list.state === 'ready' && list.data.length + before.length === 0 && (
        <Sentence>{none}</Sentence>
      )}
      {list.state === 'ready' && list.data.length + before.length > 0 && (
        <ul className={styles.rows}>
          {before}
          {list.data.map((item) => row(item, () => setDoomed(item)))}
        </ul>
      )}
      {doomed && (
        <Modal
          title={deletion(doomed).title}
          onClose={(result) => {
            setDoomed(null);
            if (result === 'delete') onDelete(doomed);
          }}
        >
          <Sentence>{deletion(doomed).loss}</Sentence>
          <form method="dialog">
            <Button value="keep" autoFocus>
              Keep it
            </Button>
            <Button danger value="delete">
              Delete for good
            </Button>
          </form>
        </Modal>
      )}
    </section>
  );
}

/** The cells of a row. */
export const StoredName = part('div', styles.name);
export const StoredState = part('p', styles.state);
export const StoredProgress = part('div', styles.progress);
export const StoredSize = part('span', styles.size);
export const StoredActions = part('div', styles.actions);

interface RowProps {
  readonly item: Stored;
  readonly href: string;
  readonly what: string;
  readonly word: string;
  readonly tone: string;
  /** How far it has come, or what came out. */
  readonly children: ReactNode;
  readonly onDelete: () => void;
  /** Actions before `Open` and `Delete`. */
  readonly actions?: ReactNode;
}

export function StoredRow({ item, href, what, word, tone, children, onDelete, actions }: RowProps) {
  return (
    <li data-state={item.state}>
      <StoredName>
        <a href={href}>{formatDate(item.startedAt)}</a>
        <Muted>{what}</Muted>
      </StoredName>
      <StoredState>
        <Lamp tone={tone} /> {word}
      </StoredState>
      <StoredProgress>{children}</StoredProgress>
      <StoredSize>{formatBytes(item.bytes)}</StoredSize>
      <StoredActions>
        {actions}
        <Button as="a" quiet href={href}>
          Open
        </Button>
        <Button type="button" quiet danger disabled={item.state === 'running'} onClick={onDelete}>
          Delete
        </Button>
      </StoredActions>
    </li>
  );
}
