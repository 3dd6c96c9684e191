import { part } from './part.tsx';
import styles from './tile.module.css';

/** A curve with its name and the value it is read at. */
export const TileFrame = part('figure', styles.tile);
export const TileValue = part('span', styles.value);
export const TileNote = part('span', styles.note);
export const Unit = part('span', styles.unit);
/** Where the curve is drawn. */
export const Plot = part('div', styles.plot);
export const CurveLegend = part('p', styles.legend);
/** A line as curves draw it: thin, unless it is one of these. */
export const Pen = part('i', styles.pen, {
  smooth: styles.smooth,
  band: styles.band,
  against: styles.against,
  beside: styles.beside,
});
