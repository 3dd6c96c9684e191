import { part } from './part.tsx';
import styles from './reader.module.css';

/** A completion or an answer with what was asked and how it was judged. */
export const Reader = part('section', styles.reader, { wide: styles.wide });
export const ReaderHead = part('header', styles.head);
/** Where it stands among its neighbours. */
export const ReaderWhere = part('p', styles.where);
export const ReaderHeading = part('h2', styles.heading);
export const ReaderSum = part('div', styles.sum);
/** The texts beside the judgement. */
export const ReaderColumns = part('div', styles.columns);
export const ReaderTexts = part('div', styles.text);
export const ReaderJudgement = part('div', styles.judgement);
export const Prompt = part('pre', styles.prompt);
/** The buttons to the neighbours. */
export const ReaderSteps = part('span', styles.step);
