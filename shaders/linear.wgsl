// y[t, y_offset + n] (+)= x[t] · w[n] + bias[n] + scale * h[t, segment(n)] · b[n] for the TILE_ROWS rows of this invocation.
// The last term is LoRA, for rows whose adapter is `adapter`: h = x Aᵀ holds `rank` values for each segment of outputs
// (q, k, v share one product, as do gate and up); segment 1 starts at output `segment1`, segment 2 at `segment2`.
struct Params {
  rows: u32, inner4: u32, cols: u32, y_stride: u32, y_offset: u32,
  accumulate: u32, use_bias: u32, rank: u32, h_stride: u32, segment1: u32, segment2: u32, adapter: u32, scale: f32
}
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec2u>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read> b: array<vec4f>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let n = wid.x * LANES + lid.x;
  let row0 = wid.y * TILE_ROWS;
  if (n >= p.cols) { return; }
  var sums: array<f32, TILE_ROWS>;
  var starts: array<u32, TILE_ROWS>;
  for (var r = 0u; r < TILE_ROWS; r++) {
    sums[r] = 0.0;
    starts[r] = min(row0 + r, p.rows - 1u) * p.inner4;
  }
  let words = weight_words_per_vec4();
  var at = n * p.inner4 * words;
  for (var k = 0u; k < p.inner4; k++) {
    let weights = unpack_weights(w[at], w[at + words - 1u]);
    at += words;
    for (var r = 0u; r < TILE_ROWS; r++) { sums[r] += dot(x[starts[r] + k], weights); }
  }
  for (var r = 0u; r < TILE_ROWS; r++) {
    let row = row0 + r;
    if (row >= p.rows) { break; }
    var value = sums[r];
    if (p.use_bias != 0u) { value += bias[n]; }
    if (p.rank != 0u && rows[row * ROW_WORDS + ROW_ADAPTER] == p.adapter) {
      let segment = select(0u, 1u, n >= p.segment1) + select(0u, 1u, n >= p.segment2);
      let rank4 = p.rank / 4u;
      let h_at = (row * p.h_stride + segment * p.rank) / 4u;
      var low_rank = 0.0;
      for (var j = 0u; j < rank4; j++) { low_rank += dot(h[h_at + j], b[n * rank4 + j]); }
      value += p.scale * low_rank;
    }
    let out = row * p.y_stride + p.y_offset + n;
    if (p.accumulate != 0u) { value += y[out]; }
    y[out] = value;
  }
}
