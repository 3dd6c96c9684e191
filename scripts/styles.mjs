// Styles have owners: which classes are global, and which module belongs to whom.
import { dirname, join, normalize } from 'node:path';

/** The class names of a style sheet; `:global(…)` ones are none of its own. */
export function classesOf(css) {
  const names = new Set();
  const bare = css.replace(/\/\*[\s\S]*?\*\//g, '').replace(/'[^']*'|"[^"]*"/g, '');
  // A selector is what stands between a brace or a semicolon and the brace that opens its rule.
  for (const [, selector] of bare.matchAll(/([^{};]+)\{/g)) {
    if (selector.trim().startsWith('@')) continue;
    const own = selector.replace(/:global\([^)]*\)/g, '');
    for (const [, name] of own.matchAll(/\.(-?[_a-z][\w-]*)/gi)) names.add(name);
  }
  return [...names];
}

/** The style sheets that a source file imports by a path of its own tree, from the root. */
export function sheetsOf(file, text) {
  return [...text.matchAll(/^import (?:(\w+) from )?'(\.[^']*\.css)';/gm)].map(
    ([, name, path]) => ({
      name,
      path: normalize(join(dirname(file), path)).replaceAll('\\', '/'),
    }),
  );
}

/**
 * What breaks the rule, a sentence each: a class of a sheet that is no module, a module imported
 * from another folder than its own, a class that a component names and its module lacks, and a
 * class of a module that nothing names. `files` maps paths to texts.
 */
export function strayStyles(files) {
  const found = [];
  const sheets = new Map();
  const used = new Map();
  for (const [file, text] of Object.entries(files)) {
    if (!file.endsWith('.css')) continue;
    const classes = classesOf(text);
    if (file.endsWith('.module.css')) {
      sheets.set(file, classes);
      used.set(file, new Set());
    } else {
      for (const name of classes) found.push(`${file}: .${name} is a global class`);
    }
  }
  for (const [file, text] of Object.entries(files)) {
    if (file.endsWith('.css')) continue;
    for (const { name, path } of sheetsOf(file, text)) {
      if (!path.endsWith('.module.css')) continue;
      if (dirname(path) !== dirname(file)) found.push(`${file}: ${path} is another folder's`);
      for (const [, key] of text.matchAll(new RegExp(`(?<![/.\\w])${name}\\.(\\w+)`, 'g'))) {
        used.get(path)?.add(key);
        if (!sheets.get(path)?.includes(key)) found.push(`${file}: ${path} has no .${key}`);
      }
    }
  }
  for (const [file, classes] of sheets)
    for (const name of classes)
      if (!used.get(file).has(name)) found.push(`${file}: nothing names .${name}`);
  return found;
}
