// linear.wgsl for a group of rows and weights in rows (f32, f16): a workgroup takes four outputs and up to ROWS rows. Neighbouring
// lanes take neighbouring inputs, so that few outputs of many inputs (LoRA's A) fill the device too; sums are joined in order.

const LANES = 64u;
const SPAN = 8u;
var<workgroup> partial: array<vec4f, ROWS * LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let lane = lid.x;
  let n = wid.x * 4u;
  let last_output = p.cols - 1u;
  let first_row = wid.y * ROWS;
  var sums: array<vec4f, ROWS>;
  prepare(lane, first_row);
  for (var k = lane; k < p.inner4; k += LANES) {
    let w0 = weights_at(n, k);
    let w1 = weights_at(min(n + 1u, last_output), k);
    let w2 = weights_at(min(n + 2u, last_output), k);
    let w3 = weights_at(min(n + 3u, last_output), k);
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
