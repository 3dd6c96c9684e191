// A product x Wᵀ: its parameters and bindings, of which `w` holds Weights as the kernel or its library reads them, and what
// follows it: bias, LoRA, the sum with what y held.
struct Params {
  rows: u32, inner4: u32, cols: u32, y_stride: u32, y_offset: u32,
  accumulate: u32, use_bias: u32, rank: u32, h_stride: u32, segment1: u32, segment2: u32, adapter: u32, scale: f32
}
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<Weights>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read> b: array<vec4f>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

// Outputs first, first + step, … of one row.
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
