import { METHODS, type Method } from './methods.ts';
import { OBJECTIVE, SCHEDULE } from './objective.ts';
import { COMMON, GROUP, LORA, LOSS, OPTIMIZER } from './run.ts';
import { placed, standards, type PlacedSetting } from './setting.ts';

/** The settings that every run has, with their paths: shared ones, whether a method listens or not. */
export const SHARED: readonly PlacedSetting[] = [
  ...placed(COMMON),
  ...placed({ group: GROUP }),
  ...placed(LOSS, 'loss.'),
  ...placed(OBJECTIVE, 'objective.'),
  ...placed(LORA, 'lora.'),
  ...placed(OPTIMIZER, 'optimizer.'),
  ...placed(SCHEDULE, 'schedule.'),
];
const UNIVERSAL = new Set([
  ...placed(COMMON).map(({ path }) => path),
  ...placed(LORA, 'lora.').map(({ path }) => path),
  ...placed(OPTIMIZER, 'optimizer.').map(({ path }) => path),
  ...placed(SCHEDULE, 'schedule.').map(({ path }) => path),
]);

/** What a method listens to: shared settings first, then its own, in the order of declaration. */
export function settingsOf(method: Method): PlacedSetting[] {
  const { part, settings, ignores, shared } = METHODS[method];
  const own = part === null ? [] : placed(settings, `${part}.`);
  return [
    ...SHARED.filter(({ path }) => UNIVERSAL.has(path) || shared.includes(path)),
    ...own.filter(({ path }) => !ignores.includes(path)),
  ];
}

/**
 * The values of the preset of (method, model), method and model left out. A run ends after steps;
 * nano's steps of each method compute about the same tokens.
 */
export function presetValues(method: Method, model: string) {
  const nano = model === 'nano';
  const descriptor = METHODS[method];
  const common = standards(COMMON, nano);
  const nanoSteps = 'nanoSteps' in descriptor ? descriptor.nanoSteps : undefined;
  return {
    ...common,
    steps: (nano ? nanoSteps : undefined) ?? common.steps,
    budgetTokens: null,
    group: standards({ GROUP }, nano).GROUP,
    lora: standards(LORA, nano),
    ...ownParts(method, nano),
    loss: standards(LOSS, nano),
    objective: standards(OBJECTIVE, nano),
    optimizer: standards(OPTIMIZER, nano),
    schedule: standards(SCHEDULE, nano),
  };
}

/** The part of the method, if it has one, and null for those of others. */
function ownParts(method: Method, nano: boolean): Record<string, unknown> {
  const parts: Record<string, unknown> = {};
  for (const { part } of Object.values(METHODS)) if (part !== null) parts[part] = null;
  const { part, settings } = METHODS[method];
  if (part !== null) parts[part] = standards(settings, nano);
  return parts;
}
