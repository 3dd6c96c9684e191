import { useId, useState, type ReactNode } from 'react';
import { formatBytes } from '../../lib/format.ts';
import type { Loadable } from '../../state/loadable.ts';
import { formatDate } from '../format.ts';
import { Modal } from './modal.tsx';
import './stored.css';

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
    <section className="stored" aria-labelledby={id}>
      <div className="stored-head">
        <h2 id={id}>{title}</h2>
        {tools}
      </div>
      {list.state === 'loading' && <p className="sentence">Reading what is stored…</p>}
      {list.state === 'error' && <p className="sentence error">{list.message}</p>}
      {list.state === 'ready' && list.data.length + before.length === 0 && (
        <p className="sentence">{none}</p>
      )}
      {list.state === 'ready' && list.data.length + before.length > 0 && (
        <ul className="run-rows">
          {before}
          {list.data.map((item) => row(item, () => setDoomed(item)))}
        </ul>
      )}
      {doomed && (
        <Modal
          className="confirm"
          title={deletion(doomed).title}
          onClose={(result) => {
            setDoomed(null);
            if (result === 'delete') onDelete(doomed);
          }}
        >
          <p className="sentence">{deletion(doomed).loss}</p>
          <form method="dialog">
            <button className="button" value="keep" autoFocus>
              Keep it
            </button>
            <button className="button danger" value="delete">
              Delete for good
            </button>
          </form>
        </Modal>
      )}
    </section>
  );
}

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
      <div className="run-name">
        <a href={href}>{formatDate(item.startedAt)}</a>
        <span className="muted">{what}</span>
      </div>
      <p className="run-state">
        <span className="lamp" data-tone={tone} /> {word}
      </p>
      <div className="run-progress">{children}</div>
      <span className="run-size muted">{formatBytes(item.bytes)}</span>
      <div className="run-actions">
        {actions}
        <a className="button quiet" href={href}>
          Open
        </a>
        <button
          type="button"
          className="button quiet danger"
          disabled={item.state === 'running'}
          onClick={onDelete}
        >
          Delete
        </button>
      </div>
    </li>
  );
}
