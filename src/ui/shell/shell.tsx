import type { ReactNode } from 'react';
import { useRoute } from '../hooks.ts';
import { Notices } from './notices.tsx';
import styles from './shell.module.css';

interface Props {
  readonly bar: ReactNode;
  readonly children: ReactNode;
}

/** What stands around every screen. */
export function Shell({ bar, children }: Props) {
  const route = useRoute();
  return (
    <div className={styles.app} data-screen={route.screen}>
      <a className={styles.skip} href="#main" onClick={focusMain}>
        Skip to content
      </a>
      {bar}
      <Notices />
      {children}
    </div>
  );
}

/** The hash is the address, so the skip link moves focus itself. */
function focusMain(event: { preventDefault(): void }): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
