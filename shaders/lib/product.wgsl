// What follows every product x Wᵀ: bias, LoRA, the sum with what y held. Outputs first, first + step, … of one row.
// The kernel declares Params and the bindings bias, h, b, rows and y.
fn finish(row: u32, first: u32, step: u32, sums: vec4f) {
  if (row >= p.rows) { return; }
  var low_rank = vec4f();
  if (takes_adapter(row)) {
    let rank4 = p.rank / 4u;
    for (var c = 0u; c < 4u; c++) {
      let n = first + c * step;
      if (n >= p.cols) { break; }
      let h_at = row * (p.h_stride / 4u) + segment_of(n) * rank4;
      for (var j = 0u; j < rank4; j++) { low_rank[c] += dot(h[h_at + j], b[n * rank4 + j]); }
    }
  }
  store(row, first, step, sums, low_rank);
}

// The same with h Bᵀ given, which is not looked at where the row has another adapter.
fn store(row: u32, first: u32, step: u32, sums: vec4f, low_rank: vec4f) {
  let adapted = takes_adapter(row);
  for (var c = 0u; c < 4u; c++) {
    let n = first + c * step;
    if (n >= p.cols) { return; }
    var value = sums[c];
    if (p.use_bias != 0u) { value += bias[n]; }
    if (adapted) { value += p.scale * low_rank[c]; }
    let out = row * p.y_stride + p.y_offset + n;
    if (p.accumulate != 0u) { value += y[out]; }
    y[out] = value;
  }
}

fn takes_adapter(row: u32) -> bool {
  return p.rank != 0u && rows[row * ROW_WORDS + ROW_ADAPTER] == p.adapter;
}

// Which of the stacked parts (q, k, v; gate, up) an output belongs to.
fn segment_of(output: u32) -> u32 {
  return select(0u, 1u, output >= p.segment1) + select(0u, 1u, output >= p.segment2);
}
