import { useState, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { setTheme, THEMES, themeStore, type Theme } from '../../state/theme.ts';
import { useRoute } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { HelpDialog } from './help-dialog.tsx';
import './shell.css';

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
    <header className="top-bar">
      <a className="wordmark" href="#/" aria-label="Afterthought, to the start">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <circle cx="8" cy="16" r="3.5" />
          <path d="M16 8.5a10 10 0 0 1 0 15" />
          <path className="echo" d="M22 5a16 16 0 0 1 0 22" />
        </svg>
        <span>Afterthought</span>
      </a>
      <nav className="places" aria-label="Screens">
        {children}
      </nav>
      <span className="top-bar-line">{line}</span>
      <div className="top-bar-tools">
        <ThemeSwitch />
        <button
          type="button"
          className="button quiet"
          aria-label="Keys"
          onClick={() => setHelp(true)}
        >
          <span className="keys-word">Keys</span> <kbd>?</kbd>
        </button>
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
    <fieldset className="segments" aria-label="Colours of the page">
      {THEMES.map((name) => (
        <label key={name}>
          <input
            type="radio"
            name="theme"
            value={name}
            checked={theme === name}
            onChange={() => setTheme(name)}
          />
          <span>{THEME_NAMES[name]}</span>
        </label>
      ))}
    </fieldset>
  );
}
