import { OBJECTIVE } from './objective.ts';
import { LOSS } from './run.ts';
import { placed, withAt, type PlacedSetting, type Values } from './setting.ts';

/** Every switch of an objective, in the order of the form: all of the loss but μ. */
export const SWITCHES: readonly PlacedSetting[] = [
  ...placed(LOSS, 'loss.').filter(({ path }) => path !== 'loss.updates'),
  ...placed(OBJECTIVE, 'objective.'),
];

type Row = Omit<Values<typeof LOSS>, 'updates'> & Values<typeof OBJECTIVE>;

/** A value with where it comes from: a name of docs/papers.md, and the place in it. */
type Cell<T> = readonly [value: T, source: string];

/** A published objective: what is said of it, and what it leaves to `COMMON_ROW`. */
interface Published {
  /** Its source, by its name in docs/papers.md. */
  readonly source: string;
  readonly cells: { readonly [K in keyof Row]?: Cell<Row[K]> };
}

/**
 * What published objectives have where their source names nothing else: the plain policy gradient of
 * PPO and TRL's defaults, with every addition off.
 */
const COMMON_CELLS: { readonly [K in keyof Row]: Cell<Row[K]> } = {
  aggregation: ['dapo', 'TRL'],
  epsLow: [0.2, 'PPO'],
  epsHigh: [0.2, 'PPO'],
  beta: [0, 'TRL'],
  correctionCap: [null, 'not in the paper'],
  maskTruncated: [false, 'TRL'],
  baseline: ['group-mean', 'GRPO'],
  scale: ['group-std', 'GRPO'],
  ratio: ['token', 'PPO'],
  surrogate: ['clip', 'PPO'],
  ratioCap: [null, 'not in the paper'],
  cispoMax: [OBJECTIVE.cispoMax.standard, 'unused'],
  sapoPositive: [OBJECTIVE.sapoPositive.standard, 'unused'],
  sapoNegative: [OBJECTIVE.sapoNegative.standard, 'unused'],
  maskThreshold: [OBJECTIVE.maskThreshold.standard, 'unused'],
  kl: ['k3', 'TRL'],
  klPlace: ['loss', 'TRL'],
  correction: ['token', 'unused'],
  correctionMode: ['truncate', 'unused'],
  offPolicyMask: [null, 'not in the paper'],
  overlongBuffer: [null, 'not in the paper'],
  entropyBonus: [0, 'not in the paper'],
  entropyTop: [1, 'not in the paper'],
  dynamicSampling: [null, 'not in the paper'],
};

const PUBLISHED = {
  grpo: {
    source: 'GRPO',
    cells: {
      aggregation: ['grpo', 'GRPO, eq. 3'],
      beta: [0.04, 'GRPO, section 4.2'],
      kl: ['k3', 'GRPO, eq. 4'],
    },
  },
  dapo: {
    source: 'DAPO',
    cells: {
      aggregation: ['dapo', 'DAPO, section 3.3'],
      epsLow: [0.2, 'DAPO, section 4.1'],
      epsHigh: [0.28, 'DAPO, section 4.1'],
      beta: [0, 'DAPO, section 2.3'],
      overlongBuffer: [0.2, 'DAPO, section 4.1: 4,096 of 20,480 tokens'],
      dynamicSampling: [10, 'DAPO, section 3.2; the cap is verl’s recipe'],
    },
  },
  dr_grpo: {
    source: 'Dr. GRPO',
    cells: {
      aggregation: ['dr_grpo', 'Dr. GRPO, section 3.2'],
      scale: ['none', 'Dr. GRPO, section 3.2'],
      beta: [0, 'Dr. GRPO, by TRL'],
    },
  },
  gspo: {
    source: 'GSPO',
    cells: {
      aggregation: ['grpo', 'GSPO, by TRL'],
      epsLow: [3e-4, 'GSPO, section 5.1'],
      epsHigh: [4e-4, 'GSPO, section 5.1'],
      ratio: ['sequence', 'GSPO, eq. 7'],
      beta: [0, 'GSPO, by TRL'],
    },
  },
  cispo: {
    source: 'CISPO',
    cells: {
      surrogate: ['cispo', 'CISPO, section 3.1'],
      cispoMax: [5, 'ScaleRL, by TRL; CISPO names no value'],
      aggregation: ['dapo', 'CISPO, section 3.1'],
      beta: [0, 'CISPO, section 3.1'],
    },
  },
  rloo: {
    source: 'RLOO',
    cells: {
      baseline: ['leave-one-out', 'RLOO, section 3'],
      scale: ['none', 'RLOO, section 3'],
      aggregation: ['dr_grpo', 'RLOO: the sum over a completion, here by a constant'],
      beta: [0.03, 'RLOO, appendix C, by TRL'],
      kl: ['k1', 'RLOO, section 2'],
      klPlace: ['reward', 'RLOO, section 2'],
    },
  },
  'reinforce++': {
    source: 'REINFORCE++',
    cells: {
      baseline: ['batch-mean', 'REINFORCE++, global normalisation'],
      scale: ['batch-std', 'REINFORCE++, global normalisation'],
      beta: [0.001, 'RLinf’s configuration; REINFORCE++ varies it'],
      kl: ['k1', 'REINFORCE++'],
      klPlace: ['return', 'REINFORCE++, advantage with KL'],
    },
  },
  'reinforce++-baseline': {
    source: 'REINFORCE++',
    cells: {
      baseline: ['group-mean', 'REINFORCE++, with baseline'],
      scale: ['centred-batch-std', 'REINFORCE++, with baseline'],
      beta: [0.001, 'RLinf’s configuration; REINFORCE++ varies it'],
      kl: ['k2', 'REINFORCE++, with baseline'],
      klPlace: ['loss', 'REINFORCE++, with baseline'],
    },
  },
  maxrl: {
    source: 'MaxRL',
    cells: {
      scale: ['group-mean', 'MaxRL: (r − mean) / mean'],
      aggregation: ['dapo', 'this lab'],
      beta: [0, 'this lab'],
    },
  },
  sapo: {
    source: 'SAPO',
    cells: {
      surrogate: ['sapo', 'SAPO'],
      sapoPositive: [1, 'SAPO, by TRL'],
      sapoNegative: [1.05, 'SAPO, by TRL'],
      aggregation: ['grpo', 'SAPO: the mean over a completion, then over the group'],
    },
  },
  'lite-ppo': {
    source: 'Lite PPO',
    cells: {
      scale: ['batch-std', 'Lite PPO'],
      aggregation: ['dapo', 'Lite PPO'],
      beta: [0, 'Lite PPO, by TRL'],
    },
  },
} as const satisfies Readonly<Record<string, Published>>;

/** Names of objectives: `default` is what a run has that names none. */
export const OBJECTIVE_NAMES = ['default', ...Object.keys(PUBLISHED)] as readonly ObjectiveName[];
export type ObjectiveName = 'default' | keyof typeof PUBLISHED;

/** The full row of an objective: each switch by its path, its value and where it comes from. */
export function objectiveRow(
  name: ObjectiveName,
): { path: string; value: unknown; source: string }[] {
  const cells: Readonly<Record<string, Cell<unknown>>> =
    name === 'default' ? {} : { ...COMMON_CELLS, ...PUBLISHED[name].cells };
  return SWITCHES.map(({ path, setting }) => {
    const cell = cells[path.split('.')[1]!];
    return { path, value: cell ? cell[0] : setting.standard, source: cell?.[1] ?? setting.source };
  });
}

/** A configuration with every switch of an objective; all else, and μ, stay. */
export function withObjective<T>(config: T, name: ObjectiveName): T {
  return objectiveRow(name).reduce((held, { path, value }) => withAt(held, path, value), config);
}

interface Switched {
  readonly loss: Values<typeof LOSS>;
  readonly objective: Values<typeof OBJECTIVE>;
}

/** The objective whose row a configuration has; null where it has none's. */
export function objectiveOf({ loss, objective }: Switched): ObjectiveName | null {
  const held: Readonly<Record<string, unknown>> = { ...loss, ...objective };
  const is = (name: ObjectiveName) =>
    objectiveRow(name).every(({ path, value }) => held[path.split('.')[1]!] === value);
  return OBJECTIVE_NAMES.find(is) ?? null;
}

/**
 * Why switches and sizes do not go together, with what to set; null where they do. `problems`: of a
 * step.
 */
export function objectiveRefusal(
  { objective }: Pick<Switched, 'objective'>,
  problems: number,
): { path: string; sentence: string } | null {
  const { baseline, scale, klPlace } = objective;
  const words = [
    baseline === 'batch-mean' ? (['objective.baseline', `baseline ${baseline}`] as const) : null,
    /batch/.test(scale) ? (['objective.scale', `scale ${scale}`] as const) : null,
  ];
  for (const word of words)
    if (word !== null && problems === 1)
      return {
        path: word[0],
        sentence:
          `The ${word[1]} compares the problems of a step, and a step has one; set ` +
          '`problemsPerStep` (--problems-per-step) to 2 or more, or choose a ' +
          `${word[0] === 'objective.scale' ? 'scale' : 'baseline'} of the group.`,
      };
  if (klPlace !== 'loss' && objective.kl === 'k3-ratio')
    return {
      path: 'objective.klPlace',
      sentence:
        `The KL estimate k3-ratio weighs by the ratio of an update, which a reward does not have; ` +
        'take --kl k1, k2 or k3, or --kl-place loss.',
    };
  return null;
}
