import { differences } from '../lib/differences.ts';
import type { RunConfig } from '../schema/config.ts';
import type { RunRecord } from './record.ts';

/** Runs that differ in their seed only. */
export interface Arm {
  /** The method, with the settings that tell it from other arms of that method. */
  readonly name: string;
  readonly config: RunConfig;
  /** One a seed, in the order given. */
  readonly runs: readonly RunRecord[];
}

/**
 * Groups runs into arms, in the order in which they first occur; `repeated` are runs whose settings
 * and seed an earlier one has.
 */
export function armsOf(records: readonly RunRecord[]): { arms: Arm[]; repeated: RunRecord[] } {
  const groups: { config: RunConfig; runs: RunRecord[] }[] = [];
  const repeated: RunRecord[] = [];
  for (const record of records) {
    const group = groups.find(({ config }) => settingsBetween(config, record.config).length === 0);
    if (!group) groups.push({ config: record.config, runs: [record] });
    else if (group.runs.some((run) => run.config.seed === record.config.seed))
      repeated.push(record);
    else group.runs.push(record);
  }
  const arms = groups.map(({ config, runs }) => {
    const others = groups.filter(
      (other) => other.config !== config && other.config.method === config.method,
    );
    const telling = new Map(
      others
        .flatMap((other) => settingsBetween(config, other.config))
        .map(({ path, first }) => [path, first]),
    );
    const settings = [...telling].map(([path, value]) => `${path} ${settingText(value)}`);
    return {
      name: settings.length ? `${config.method} (${settings.join(', ')})` : config.method,
      config,
      runs,
    };
  });
  return { arms, repeated };
}

/** Where two configurations differ, the seed aside. */
export function settingsBetween(
  first: RunConfig,
  second: RunConfig,
): ReturnType<typeof differences> {
  return differences(first, second).filter(({ path }) => path !== 'seed');
}

/** The settings in which any two arms differ, with each arm's value in words. */
export function settingsTable(arms: readonly Arm[]): { path: string; values: string[] }[] {
  const paths = arms
    .slice(1)
    .flatMap((arm) => settingsBetween(arms[0]!.config, arm.config).map(({ path }) => path));
  return [...new Set(paths)].map((path) => ({
    path,
    values: arms.map(({ config }) => settingText(at(config, path))),
  }));
}

function at(config: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], config);
}

/** A setting's value for people: `0.002`, `q, k, v`, `first 2, refinements 4`. */
export function settingText(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value)) return value.map(settingText).join(', ');
  if (typeof value !== 'object') return typeof value === 'string' ? value : JSON.stringify(value);
  return Object.entries(value)
    .map(
      ([key, held]) =>
        `${key} ${typeof held === 'object' && held ? `(${settingText(held)})` : settingText(held)}`,
    )
    .join(', ');
}
