/**
 * What a completion is: an answer to the plain prompt, a repair of one (c2), a reflection on one,
 * an answer given that reflection. Each with its word, alone and in number.
 */
export const KIND_WORDS = {
  attempt: ['attempt', 'attempts'],
  refinement: ['refinement', 'refinements'],
  reflection: ['reflection', 'reflections'],
  retry: ['retry', 'retries'],
} as const satisfies Record<string, readonly [one: string, many: string]>;
export type Kind = keyof typeof KIND_WORDS;
export const KINDS = Object.keys(KIND_WORDS) as Kind[];

/**
 * Parts of a step in the order methods run them; `sample` draws first attempts, `update` trains the
 * student on them.
 */
export const PHASES = [
  'sample',
  'grade',
  'refine',
  'reflect',
  'retry',
  'update',
  'update-reflector',
  'distill',
  'evaluate',
] as const;
export type Phase = (typeof PHASES)[number];

/** Adapters that a method trains, or keeps as a teacher. */
export type Trained = 'student' | 'reflector' | 'teacher';
