import { part } from './part.tsx';
import styles from './setting.module.css';
import { Label } from './text.tsx';
import type { ComponentPropsWithRef } from 'react';

/** A field of a settings grid, with its label above and its note below. */
export const SettingFrame = part('div', styles.setting, { bare: styles.bare });
export const SettingNote = part('p', styles.note);

/** Keeps the case of symbols. */
export function SettingLabel(props: ComponentPropsWithRef<'label'>) {
  return <Label as="label" {...props} className={styles.label} />;
}
