/**
 * Per-token side data of a rollout in tokens.bin, little-endian, column after column, n tokens
 * each: ids u32 · UTF-8 end offset of each token in the completion text u32 · sampler log-prob f32
 * · entropy f32 · KL f32 · ratio f32. The block starts with n as u32.
 */
export interface TokenBlock {
  readonly ids: Uint32Array;
  readonly ends: Uint32Array;
  readonly logprobs: Float32Array;
  readonly entropy: Float32Array;
  readonly kl: Float32Array;
  readonly ratio: Float32Array;
}

const COLUMNS = 6;

export function encodeTokenBlock(block: TokenBlock): Uint8Array {
  const n = block.ids.length;
  const words = new Uint32Array(1 + COLUMNS * n);
  const floats = new Float32Array(words.buffer);
  words[0] = n;
  words.set(block.ids, 1);
  words.set(block.ends, 1 + n);
  floats.set(block.logprobs, 1 + 2 * n);
  floats.set(block.entropy, 1 + 3 * n);
  floats.set(block.kl, 1 + 4 * n);
  floats.set(block.ratio, 1 + 5 * n);
  return new Uint8Array(words.buffer);
}

/** Bytes a block of n tokens takes. */
export function tokenBlockBytes(n: number): number {
  return 4 * (1 + COLUMNS * n);
}

/** Reads the block that starts at byte 0 of `bytes`; throws a sentence when it is cut short. */
export function decodeTokenBlock(bytes: Uint8Array): TokenBlock {
  if (bytes.byteLength < 4)
    throw new Error(`Token columns are cut short: ${bytes.byteLength} bytes, at least 4 expected.`);
  const copy = bytes.slice().buffer;
  const n = new Uint32Array(copy, 0, 1)[0] ?? 0;
  if (copy.byteLength < tokenBlockBytes(n)) {
    throw new Error(
      `Token columns are cut short: ${copy.byteLength} bytes, ${tokenBlockBytes(n)} expected for ${n} tokens.`,
    );
  }
  const u32 = (column: number) => new Uint32Array(copy, 4 * (1 + column * n), n);
  const f32 = (column: number) => new Float32Array(copy, 4 * (1 + column * n), n);
  return {
    ids: u32(0),
    ends: u32(1),
    logprobs: f32(2),
    entropy: f32(3),
    kl: f32(4),
    ratio: f32(5),
  };
}

/** Tokens of teacher and student that are kept of each position. */
export const KEPT_TOP = 8;

/**
 * Side data of a distilled target of n tokens, little-endian: n as u32, then ids u32 · UTF-8 end
 * offsets u32 · loss f32, then the teacher's and the student's KEPT_TOP most likely tokens, best
 * first: ids u32 (n, 8) and log-probs f32 (n, 8) of each.
 */
export interface DistillationBlock {
  readonly ids: Uint32Array;
  readonly ends: Uint32Array;
  /** τ² KL(teacher ‖ student) of each token, before the update. */
  readonly loss: Float32Array;
  readonly teacher: TopTokens;
  readonly student: TopTokens;
}

/**
 * (n · KEPT_TOP), position by position; log-probs are at the temperature of the distillation. Where
 * a vocabulary is smaller than KEPT_TOP, the places left are of log-prob NO_TOKEN.
 */
export interface TopTokens {
  readonly ids: Uint32Array;
  readonly logprobs: Float32Array;
}

/** As a float of 32 bits has it, so that what is read equals what was written. */
export const NO_TOKEN = Math.fround(-3.4e38);

/** Bytes a block of n tokens takes. */
export function distillationBlockBytes(n: number): number {
  return 4 * (1 + (3 + 4 * KEPT_TOP) * n);
}

export function encodeDistillationBlock({
  ids,
  ends,
  loss,
  teacher,
  student,
}: DistillationBlock): Uint8Array {
  const n = ids.length;
  const words = new Uint32Array(distillationBlockBytes(n) / 4);
  const floats = new Float32Array(words.buffer);
  words[0] = n;
  let at = 1;
  for (const column of [
    ids,
    ends,
    loss,
    teacher.ids,
    teacher.logprobs,
    student.ids,
    student.logprobs,
  ]) {
    (column instanceof Float32Array ? floats : words).set(column, at);
    at += column.length;
  }
  return new Uint8Array(words.buffer);
}

/** Reads the block that starts at byte 0 of `bytes`; throws a sentence when it is cut short. */
export function decodeDistillationBlock(bytes: Uint8Array): DistillationBlock {
  const copy = bytes.slice().buffer;
  const n = copy.byteLength < 4 ? 0 : (new Uint32Array(copy, 0, 1)[0] ?? 0);
  if (copy.byteLength < distillationBlockBytes(n)) {
    throw new Error(
      `Distillation columns are cut short: ${copy.byteLength} bytes, ` +
        `${distillationBlockBytes(n)} expected for ${n} tokens.`,
    );
  }
  let at = 4;
  const next = (length: number) => {
    const from = at;
    at += 4 * length;
    return from;
  };
  const u32 = (length: number) => new Uint32Array(copy, next(length), length);
  const f32 = (length: number) => new Float32Array(copy, next(length), length);
  const top = (): TopTokens => ({ ids: u32(KEPT_TOP * n), logprobs: f32(KEPT_TOP * n) });
  return { ids: u32(n), ends: u32(n), loss: f32(n), teacher: top(), student: top() };
}
