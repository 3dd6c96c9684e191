import { createStore } from 'zustand/vanilla';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'afterthought.theme';

/** The chosen look; `system` follows the machine. Kept in localStorage, where there is one. */
export const themeStore = createStore<{ readonly theme: Theme }>(() => ({ theme: read() }));

export function setTheme(theme: Theme): void {
  themeStore.setState({ theme });
  apply(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
}

/** Writes the stored choice onto the document; call once, before the first paint. */
export function applyTheme(): void {
  apply(themeStore.getState().theme);
}

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

function read(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}
