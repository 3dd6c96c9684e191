import { part } from './part.tsx';
import styles from './outcome-strip.module.css';

/** Outcomes at a glance: one cell each, coloured by its `data-status`. */
export const OutcomeStrip = part('span', styles.strip, { large: styles.large });
