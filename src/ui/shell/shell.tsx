import { useEffect, type ReactNode } from 'react';
import { useLab, useRoute } from '../hooks.ts';
import { Notices } from './notices.tsx';
import styles from './shell.module.css';

interface Props {
  readonly bar: ReactNode;
  readonly children: ReactNode;
}

/** What stands around every screen. */
export function Shell({ bar, children }: Props) {
  const route = useRoute();
  const lab = useLab();
  // A rollout is part of its run's screen.
  const screen = 'runId' in route ? route.runId : 'id' in route ? route.id : route.screen;
  useEffect(() => () => lab.leaveScreen(), [lab, screen]);
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
