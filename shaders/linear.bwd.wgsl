// dx[t] (+)= sum over n of dy[t, dy_offset + n] * w[n]: the transposed product, four inputs an invocation.
struct Params { rows: u32, inner4: u32, cols: u32, dy_stride: u32, dy_offset: u32, accumulate: u32 }
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let k = wid.x * LANES + lid.x;
  let row0 = wid.y * TILE_ROWS;
  if (k >= p.inner4) { return; }
  var sums: array<vec4f, TILE_ROWS>;
  var starts: array<u32, TILE_ROWS>;
  for (var r = 0u; r < TILE_ROWS; r++) {
    sums[r] = vec4f();
    starts[r] = min(row0 + r, p.rows - 1u) * p.dy_stride + p.dy_offset;
  }
  let words = weight_words_per_vec4();
  for (var n = 0u; n < p.cols; n++) {
    let at = (n * p.inner4 + k) * words;
    let weights = unpack_weights(w[at], w[at + words - 1u]);
    for (var r = 0u; r < TILE_ROWS; r++) { sums[r] += dy[starts[r] + n] * weights; }
  }
  for (var r = 0u; r < TILE_ROWS; r++) {
    if (row0 + r >= p.rows) { break; }
    let out = (row0 + r) * p.inner4 + k;
    if (p.accumulate != 0u) { sums[r] += dx[out]; }
    dx[out] = sums[r];
  }
}
