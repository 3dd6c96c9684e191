// linear.wgsl for a group of rows and weights in rows (f32, f16): a workgroup takes four outputs and up to ROWS rows. Neighbouring
// lanes take neighbouring inputs, so that few outputs of many inputs (LoRA's A) fill the device too; sums are joined in order.
struct Params {
  rows: u32, inner4: u32, cols: u32, y_stride: u32, y_offset: u32,
  accumulate: u32, use_bias: u32, rank: u32, h_stride: u32, segment1: u32, segment2: u32, adapter: u32, scale: f32, eps: f32
}
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec2u>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read> b: array<vec4f>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage, read> norm_weight: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

const LANES = 64u;
const SPAN = 8u;
var<workgroup> partial: array<vec4f, ROWS * LANES>;

fn weights_at(output: u32, k: u32) -> vec4f {
  let words = weight_words_per_vec4();
  let at = (min(output, p.cols - 1u) * p.inner4 + k) * words;
  return unpack_weights(w[at], w[at + words - 1u]);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let lane = lid.x;
  let n = wid.x * 4u;
  let first_row = wid.y * ROWS;
  var sums: array<vec4f, ROWS>;
  prepare(lane, first_row);
  for (var k = lane; k < p.inner4; k += LANES) {
    let w0 = weights_at(n, k);
    let w1 = weights_at(n + 1u, k);
    let w2 = weights_at(n + 2u, k);
    let w3 = weights_at(n + 3u, k);
    for (var r = 0u; r < ROWS; r++) {
      let a = input(first_row, r, k);
      sums[r] += vec4f(dot(a, w0), dot(a, w1), dot(a, w2), dot(a, w3));
    }
  }
  for (var r = 0u; r < ROWS; r++) { partial[r * LANES + lane] = sums[r]; }
  workgroupBarrier();
  // Eight lanes' sums by one lane, then what they leave.
  for (var i = lane; i < ROWS * LANES / SPAN; i += LANES) {
    var part = partial[i * SPAN];
    for (var j = i * SPAN + 1u; j < i * SPAN + SPAN; j++) { part += partial[j]; }
    partial[i * SPAN] = part;
  }
  workgroupBarrier();
  for (var r = lane; r < ROWS; r += LANES) {
    var total = partial[r * LANES];
    for (var j = r * LANES + SPAN; j < r * LANES + LANES; j += SPAN) { total += partial[j]; }
    finish(first_row + r, n, 1u, total);
  }
}
