// Frozen weights: WEIGHT_BITS is 32 or 16 (rows of f32 or f16), 8 or 4 (tiles of 32 outputs by blocks of 32 inputs with an
// f16 scale each: src/lib/weight-blocks.ts). Arithmetic is f32 whatever the storage.
const TILE = 32u;

// Words of 8 bytes that hold four weights of a row.
fn weight_words_per_vec4() -> u32 {
  return select(2u, 1u, WEIGHT_BITS == 16u);
}

fn unpack_weights(a: vec2u, b: vec2u) -> vec4f {
  if (WEIGHT_BITS == 16u) {
    return vec4f(unpack2x16float(a.x), unpack2x16float(a.y));
  }
  return bitcast<vec4f>(vec4u(a, b));
}

// 4-byte words of a block of a tile: values, then 16 words of scales.
fn block_words() -> u32 {
  return select(272u, 144u, WEIGHT_BITS == 4u);
}

fn scales_at() -> u32 {
  return select(256u, 128u, WEIGHT_BITS == 4u);
}

// vec4<u32> of an output's values in a block.
fn block_halves() -> u32 {
  return select(2u, 1u, WEIGHT_BITS == 4u);
}

fn block_count(inner4: u32) -> u32 {
  return (inner4 + 7u) / 8u;
}

// Four values, in steps of their scale, from half a word (the lower at shift 0, the upper at 16) of q4.
fn unpack_nibbles(word: u32, shift: u32) -> vec4f {
  return vec4f(vec4i((vec4u(word) >> (vec4u(0u, 4u, 8u, 12u) + shift)) & vec4u(15u)) - 8);
}

fn unpack_bytes(word: u32) -> vec4f {
  return vec4f(unpack4xI8(word));
}
