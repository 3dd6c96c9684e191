import { part } from './part.tsx';
import styles from './text.module.css';

/** A screen's headline. */
export const Title = part('h1', styles.title);
/** The engraved label of a panel, a column, a field. */
export const Label = part('span', styles.label);
export const Muted = part('span', styles.muted, { mono: styles.mono });
export const Mono = part('span', styles.mono);
/** What the lab says, at a width that can be read. */
export const Sentence = part('p', styles.sentence, { error: styles.error });
/** Text for screen readers alone. */
export const Hidden = part('span', styles.hidden);
/** A file input that is reached through its label. */
export const HiddenInput = part('input', styles.hidden);
