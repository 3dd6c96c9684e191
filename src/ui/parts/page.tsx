import type { ReactNode } from 'react';
import styles from './page.module.css';
import { Title } from './text.tsx';

/** The main area of a screen that is read from top to bottom. */
export function Page({ children }: { readonly children: ReactNode }) {
  return (
    <main id="main" tabIndex={-1} className={styles.page}>
      {children}
    </main>
  );
}

/** A page's headline and what stands below it. */
export function PageHead({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <div className={styles.head}>
      <Title>{title}</Title>
      {children}
    </div>
  );
}
