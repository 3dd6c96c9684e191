import type { ReactNode } from 'react';
import { part } from './part.tsx';
import styles from './rack.module.css';

/** One frame: panels beside each other, a strip of settings below them. */
export const Rack = part('div', styles.rack);
export const Panel = part('section', styles.panel);
export const PanelName = part('p', styles.name);
export const PanelText = part('p', styles.text, { warn: styles.warn });

/** The strip below the panels. */
export const Strip = part('div', styles.strip, { padded: styles.padded });
export const SettingsGrid = part('div', styles.settings);
/** The strip's last line: what will happen, how that goes, and the button. */
export const LaunchBar = part('div', styles.bar);
export const LaunchSum = part('p', styles.sum);
export const LaunchState = part('p', styles.state);

/** Names and values, a line each. */
export const Facts = part('dl', styles.facts);

export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
