import { part } from './part.tsx';
import styles from './sheet.module.css';

/** A panel of a completion or an answer. */
export const Sheet = part('section', styles.sheet);
/** Its heading, with tools beside it. */
export const SheetHead = part('div', styles.head);
