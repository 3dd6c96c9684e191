import type { ReactNode } from 'react';
import styles from './console.module.css';
import { Lamp } from './lamp.tsx';
import { part } from './part.tsx';
import { Label } from './text.tsx';

/**
 * The frame of a run or an evaluation: a header above, and parts that each scroll by themselves.
 */
export function Console({
  screen,
  children,
}: {
  readonly screen: string;
  readonly children: ReactNode;
}) {
  return (
    <main id="main" tabIndex={-1} className={styles.console} data-console data-screen={screen}>
      {children}
    </main>
  );
}

export const ConsoleHeader = part('header', styles.header);
export const ConsoleLine = part('div', styles.line, { gauges: styles.gauges });
export const ConsoleHeading = part('h1', styles.heading);
/** What the run or evaluation is of, beside its name. */
export const ConsoleWhat = part('span', styles.what);
export const ConsoleSentence = part('p', styles.sentence, { error: styles.error });
export const ActionRow = part('div', styles.actions);

/** A figure under its label. */
export const GaugeBox = part('p', styles.gauge, { lamp: styles.lamp });

/** The gauge that tells what goes on. */
export function StateGauge({
  tone,
  word,
}: {
  readonly tone: string | undefined;
  readonly word: ReactNode;
}) {
  return (
    <GaugeBox lamp role="status">
      <Label>State</Label>
      <span>
        <Lamp tone={tone} /> {word}
      </span>
    </GaugeBox>
  );
}

/** The line of filters above a list. */
export const ToolRow = part('div', styles.tools);
export const ListEmpty = part('p', styles.empty);
