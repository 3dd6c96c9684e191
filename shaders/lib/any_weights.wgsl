// Weights in any layout, a word at a time; four inputs of one output.
alias Weights = u32;

fn weights_of(n: u32, k: u32) -> vec4f {
  if (WEIGHT_BITS == 32u) {
    let at = 4u * (n * p.inner4 + k);
    return bitcast<vec4f>(vec4u(w[at], w[at + 1u], w[at + 2u], w[at + 3u]));
  }
  if (WEIGHT_BITS == 16u) {
    let at = 2u * (n * p.inner4 + k);
    return vec4f(unpack2x16float(w[at]), unpack2x16float(w[at + 1u]));
  }
  let block = ((n / TILE) * block_count(p.inner4) + k / 8u) * block_words();
  let output = n % TILE;
  let scales = unpack2x16float(w[block + scales_at() + output / 2u]);
  let scale = select(scales.x, scales.y, (output & 1u) == 1u);
  if (WEIGHT_BITS == 4u) {
    return scale * unpack_nibbles(w[block + 4u * output + k % 8u / 2u], 16u * (k & 1u));
  }
  return scale * unpack_bytes(w[block + 4u * (TILE * (k % 8u / 4u) + output) + k % 4u]);
}
