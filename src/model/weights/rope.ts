import * as v from 'valibot';
import { formatCount } from '../../lib/format.ts';
import { refuse } from './config-fields.ts';

/** How the frequencies of the rotary embedding are stretched; positions and factors are plain numbers. */
export type RopeScaling =
  | { readonly type: 'default' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    }
  | {
      readonly type: 'yarn';
      readonly factor: number;
      /** What cos and sin are multiplied by. */
      readonly attentionFactor: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly originalPositions: number;
      /** Whether the range of dimensions between the betas is widened to whole numbers. */
      readonly truncate: boolean;
    };

/** The rotary embedding of a model. */
export interface Rope {
  /** As stored. */
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
}

/**
 * Radians a position of each pair of dimensions, (headDim / 2), and what cos and sin are multiplied
 * by, as transformers' modeling_rope_utils.py computes them, in double precision.
 */
export function ropeFrequencies({ headDim, ropeTheta, ropeScaling }: Rope): {
  readonly frequencies: readonly number[];
  readonly attentionFactor: number;
} {
  const plain = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  switch (ropeScaling.type) {
    case 'default':
      return { frequencies: plain, attentionFactor: 1 };
    case 'linear':
      return { frequencies: plain.map((f) => f / ropeScaling.factor), attentionFactor: 1 };
    case 'llama3': {
      const { factor, lowFrequencyFactor, highFrequencyFactor, originalPositions } = ropeScaling;
      const frequencies = plain.map((f) => {
        const turns = (originalPositions * f) / (2 * Math.PI);
        if (turns > highFrequencyFactor) return f;
        if (turns < lowFrequencyFactor) return f / factor;
        const smooth = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
        return ((1 - smooth) * f) / factor + smooth * f;
      });
      return { frequencies, attentionFactor: 1 };
    }
    case 'yarn': {
      const { factor, betaFast, betaSlow, originalPositions, truncate } = ropeScaling;
      /** The dimension that turns so often over the original context. */
      const dimension = (turns: number) =>
        (headDim * Math.log(originalPositions / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
      const whole = (round: (x: number) => number, x: number) => (truncate ? round(x) : x);
      const low = Math.max(whole(Math.floor, dimension(betaFast)), 0);
      let high = Math.min(whole(Math.ceil, dimension(betaSlow)), headDim - 1);
      if (high === low) high += 0.001;
      const frequencies = plain.map((f, i) => {
        const stretched = Math.min(Math.max((i - low) / (high - low), 0), 1);
        return (f / factor) * stretched + f * (1 - stretched);
      });
      return { frequencies, attentionFactor: ropeScaling.attentionFactor };
    }
  }
}

/** YaRN's attention factor where config.json gives none: from the factor, or from DeepSeek's two mscales. */
export function yarnAttentionFactor(
  factor: number,
  mscale?: number | null,
  mscaleAllDim?: number | null,
): number {
  const scale = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  return mscale && mscaleAllDim ? scale(mscale) / scale(mscaleAllDim) : scale(1);
}

const finite = v.pipe(v.number(), v.finite());
const positiveNumber = v.pipe(finite, v.gtValue(0));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));

/** transformers 4 writes `rope_theta` and `rope_scaling`, transformers 5 `rope_parameters`. */
export const RopeFields = v.looseObject({
  rope_type: v.nullish(v.string()),
  type: v.nullish(v.string()),
  rope_theta: v.nullish(positiveNumber),
  factor: v.nullish(positiveNumber),
  original_max_position_embeddings: v.nullish(positive),
  low_freq_factor: v.nullish(positiveNumber),
  high_freq_factor: v.nullish(positiveNumber),
  attention_factor: v.nullish(positiveNumber),
  beta_fast: v.nullish(finite),
  beta_slow: v.nullish(finite),
  mscale: v.nullish(finite),
  mscale_all_dim: v.nullish(finite),
  truncate: v.nullish(v.boolean()),
  partial_rotary_factor: v.nullish(finite),
  finetuned: v.nullish(v.boolean()),
});
export type RopeFields = v.InferOutput<typeof RopeFields>;

/** The fields that each type of scaling reads. */
const ROPE_READS: Readonly<Record<RopeScaling['type'], readonly string[]>> = {
  default: [],
  linear: ['factor'],
  llama3: ['factor', 'original_max_position_embeddings', 'low_freq_factor', 'high_freq_factor'],
  yarn: [
    ...['factor', 'original_max_position_embeddings', 'attention_factor', 'beta_fast', 'beta_slow'],
    ...['mscale', 'mscale_all_dim', 'truncate'],
  ],
};

/** The fields of config.json that the rotary embedding comes from. */
export interface RopeSource {
  readonly rope_scaling?: RopeFields | null | undefined;
  readonly rope_parameters?: RopeFields | null | undefined;
  readonly rope_theta?: number | null | undefined;
  readonly max_position_embeddings: number;
  readonly original_max_position_embeddings?: number | null | undefined;
}

/** Base and scaling; refuses what is not known by name, and adds what is passed over to `notices`. */
export function ropeOf(config: RopeSource, notices: string[]): Omit<Rope, 'headDim'> {
  const { rope_scaling: older, rope_parameters: newer } = config;
  // transformers takes rope_scaling where it holds anything, and nothing of rope_parameters then.
  const field = older && Object.keys(older).length > 0 ? 'rope_scaling' : 'rope_parameters';
  const rope: RopeFields = config[field] ?? {};
  if (field === 'rope_scaling' && newer)
    notices.push('config.json has rope_parameters, which are passed over for its rope_scaling.');
  const type = rope.rope_type ?? rope.type ?? 'default';
  const ropeTheta = rope.rope_theta ?? config.rope_theta ?? 10_000;
  if (config.rope_theta != null && config.rope_theta !== ropeTheta)
    notices.push(
      `config.json has rope_theta = ${config.rope_theta}, which is passed over for ${field}.rope_theta.`,
    );
  if ((rope.partial_rotary_factor ?? 1) !== 1)
    refuse(`${field}.partial_rotary_factor`, rope.partial_rotary_factor, 'Only 1 is supported.');

  const here = rope.original_max_position_embeddings;
  const above = config.original_max_position_embeddings;
  if (here != null && above != null && here !== above)
    refuse(
      `${field}.original_max_position_embeddings`,
      here,
      `original_max_position_embeddings is ${above}; they must agree.`,
    );
  const positions = config.max_position_embeddings;
  const originalPositions = above ?? here ?? positions;
  // NTK scaling by the length begins where the model's context ends.
  if (type === 'dynamic' && originalPositions === positions) {
    notices.push(
      `config.json has ${field}.rope_type = "dynamic", which changes nothing up to ${formatCount(positions)} tokens.`,
    );
    return { ropeTheta, ropeScaling: { type: 'default' } };
  }
  if (!Object.hasOwn(ROPE_READS, type))
    refuse(`${field}.rope_type`, type, 'The lab knows default, linear, llama3 and yarn.');
  const known = type as RopeScaling['type'];
  for (const [name, value] of Object.entries(rope)) {
    const booked = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor', 'finetuned'];
    if (value == null || booked.includes(name) || ROPE_READS[known].includes(name)) continue;
    if (!Object.hasOwn(RopeFields.entries, name))
      refuse(`${field}.${name}`, value, `Nothing is known of it in a scaling of type ${known}.`);
    notices.push(
      `config.json has ${field}.${name}, which a scaling of type ${known} does not read.`,
    );
  }
  const needed = (name: 'factor' | 'low_freq_factor' | 'high_freq_factor'): number =>
    rope[name] ?? refuse(`${field}.${name}`, rope[name] ?? null, `The type ${known} needs it.`);
  switch (known) {
    case 'default':
      return { ropeTheta, ropeScaling: { type: known } };
    case 'linear':
      return { ropeTheta, ropeScaling: { type: known, factor: needed('factor') } };
    case 'llama3': {
      const lowFrequencyFactor = needed('low_freq_factor');
      const highFrequencyFactor = needed('high_freq_factor');
      if (highFrequencyFactor <= lowFrequencyFactor)
        refuse(
          `${field}.high_freq_factor`,
          highFrequencyFactor,
          `It must be above low_freq_factor = ${lowFrequencyFactor}.`,
        );
      const factor = needed('factor');
      const scaling = { factor, lowFrequencyFactor, highFrequencyFactor, originalPositions };
      return { ropeTheta, ropeScaling: { type: known, ...scaling } };
    }
    case 'yarn': {
      if (ropeTheta <= 1) refuse('rope_theta', ropeTheta, 'The type yarn needs one above 1.');
      // With the original context alone, the factor is what the context grew by.
      const factor =
        rope.factor ??
        (here != null || above != null ? positions / originalPositions : needed('factor'));
      const [betaFast, betaSlow] = [rope.beta_fast || 32, rope.beta_slow || 1];
      if (!(betaSlow > 0) || betaFast < betaSlow)
        refuse(`${field}.beta_fast`, betaFast, `It must be at least beta_slow = ${betaSlow} > 0.`);
      return {
        ropeTheta,
        ropeScaling: {
          type: known,
          factor,
          attentionFactor:
            rope.attention_factor ?? yarnAttentionFactor(factor, rope.mscale, rope.mscale_all_dim),
          betaFast,
          betaSlow,
          originalPositions,
          truncate: rope.truncate ?? true,
        },
      };
    }
  }
}
