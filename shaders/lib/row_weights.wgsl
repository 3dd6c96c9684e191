// Weights in rows (f32, f16), two words at a time; four inputs of one output.
alias Weights = vec2u;

fn weights_at(output: u32, k: u32) -> vec4f {
  let words = weight_words_per_vec4();
  let at = (output * p.inner4 + k) * words;
  return unpack_weights(w[at], w[at + words - 1u]);
}
