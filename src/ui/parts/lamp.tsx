import styles from './lamp.module.css';

/** What something is doing: live, good, wait or bad, else unlit; its word stands beside it. */
export function Lamp({ tone }: { readonly tone: string | undefined }) {
  return <span className={styles.lamp} data-tone={tone} />;
}
