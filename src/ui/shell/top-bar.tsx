import { useState, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { setTheme, THEMES, themeStore, type Theme } from '../../state/theme.ts';
import { useRoute } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { HelpDialog } from './help-dialog.tsx';
import { Button } from '../parts/button.tsx';
import { Segments } from '../parts/segments.tsx';
import styles from './top-bar.module.css';

export function TopBar() {
  const { screen } = useRoute();
  const evaluating = screen === 'evaluate' || screen === 'evaluation' || screen === 'answer';
  return (
    <Bar line="reinforcement learning for code models, in a tab">
      <Place
        href="#/"
        name="Train"
        here={!evaluating && screen !== 'compare' && screen !== 'models'}
      />
      <Place href="#/compare" name="Compare" here={screen === 'compare'} />
      <Place href="#/evaluate" name="Evaluate" here={evaluating} />
      <Place href="#/models" name="Models" here={screen === 'models'} />
    </Bar>
  );
}

interface BarProps {
  /** What this page is. */
  readonly line: ReactNode;
  /** The places it has. */
  readonly children: ReactNode;
}

export function Bar({ line, children }: BarProps) {
  const [help, setHelp] = useState(false);
  useKeys({ '?': () => setHelp(true) });
  return (
    <header className={styles.bar}>
      <a className={styles.wordmark} href="#/" aria-label="Afterthought, to the start">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <circle cx="8" cy="16" r="3.5" />
          <path d="M16 8.5a10 10 0 0 1 0 15" />
          <path className={styles.echo} d="M22 5a16 16 0 0 1 0 22" />
        </svg>
        <span>Afterthought</span>
      </a>
      <nav className={styles.places} aria-label="Screens">
        {children}
      </nav>
      <span className={styles.line}>{line}</span>
      <div className={styles.tools}>
        <ThemeSwitch />
        <Button
          type="button"
          quiet
          className={styles.keys}
          aria-label="Keys"
          onClick={() => setHelp(true)}
        >
          <span className={styles.word}>Keys</span> <kbd>?</kbd>
        </Button>
      </div>
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </header>
  );
}

export function Place({
  href,
  name,
  here,
}: {
  readonly href: string;
  readonly name: string;
  readonly here: boolean;
}) {
  return (
    <a href={href} aria-current={here ? 'page' : undefined}>
      {name}
    </a>
  );
}

const THEME_NAMES: Record<Theme, string> = { system: 'Auto', light: 'Light', dark: 'Dark' };

function ThemeSwitch() {
  const theme = useStore(themeStore, (state) => state.theme);
  return (
    <Segments
      label="Colours of the page"
      name="theme"
      options={THEMES}
      nameOf={(name) => THEME_NAMES[name]}
      value={theme}
      onChange={setTheme}
    />
  );
}
