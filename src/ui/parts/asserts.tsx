import { part } from './part.tsx';
import styles from './asserts.module.css';

/** Asserts, each with a mark before it; an item's `data-status` is its verdict. */
export const AssertList = part('ol', styles.asserts);
export const AssertSource = part('code', styles.source);
export const AssertTag = part('span', styles.tag);
