import { useEffect, useRef, type ReactNode } from 'react';
import styles from './modal.module.css';

interface Props {
  readonly title: string;
  /** The `value` of the button that closed it; '' for Escape. */
  readonly onClose: (result: string) => void;
  readonly children: ReactNode;
}

/** A modal dialog, open as long as it is drawn; its buttons sit in a `<form method="dialog">`. */
export function Modal({ title, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    // Not closed on the way out: leaving the page closes it, and an explicit close would report a
    // choice nobody made.
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={styles.modal}
      aria-label={title}
      onClose={(event) => onClose(event.currentTarget.returnValue)}
    >
      <h2>{title}</h2>
      {children}
    </dialog>
  );
}
