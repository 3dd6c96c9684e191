// What follows every product x Wᵀ: bias, LoRA, the sum with what y held. Outputs first, first + step, … of one row.
// The kernel declares Params and the bindings bias, h, b, rows and y.
fn finish(row: u32, first: u32, step: u32, sums: vec4f) {
  if (row >= p.rows) { return; }
  let low_rank = p.rank != 0u && rows[row * ROW_WORDS + ROW_ADAPTER] == p.adapter;
  let rank4 = p.rank / 4u;
  for (var c = 0u; c < 4u; c++) {
    let n = first + c * step;
    if (n >= p.cols) { return; }
    var value = sums[c];
    if (p.use_bias != 0u) { value += bias[n]; }
    if (low_rank) {
      let segment = select(0u, 1u, n >= p.segment1) + select(0u, 1u, n >= p.segment2);
      let h_at = (row * p.h_stride + segment * p.rank) / 4u;
      var product = 0.0;
      for (var j = 0u; j < rank4; j++) { product += dot(h[h_at + j], b[n * rank4 + j]); }
      value += p.scale * product;
    }
    let out = row * p.y_stride + p.y_offset + n;
    if (p.accumulate != 0u) { value += y[out]; }
    y[out] = value;
  }
}
