// Frozen weights, four at a time, from storage words: f32 takes two vec2u, f16 one. Arithmetic is f32 either way.
fn weight_words_per_vec4() -> u32 {
  return select(2u, 1u, WEIGHTS_F16);
}

fn unpack_weights(a: vec2u, b: vec2u) -> vec4f {
  if (WEIGHTS_F16) {
    return vec4f(unpack2x16float(a.x), unpack2x16float(a.y));
  }
  return bitcast<vec4f>(vec4u(a, b));
}
