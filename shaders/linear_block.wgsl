// linear.wgsl for many rows and any layout of the weights: a workgroup computes 64 rows × 64 outputs, so that both factors are
// read once for 64 of the other's and weights are unpacked once.

@compute @workgroup_size(BLOCK_LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let lane = lid.x;
  let first_output = wid.x * BLOCK;
  let first_row = wid.y * BLOCK;
  // Rows of x or outputs of w that the lane stages; beyond the last the last again, which `finish` leaves out.
  let left = lane < BLOCK_LANES / 2u;
  let first = select(first_output, first_row, left) + 4u * patch_place(lane);
  let mine = min(vec4u(first) + vec4u(0u, 1u, 2u, 3u), vec4u(select(p.cols, p.rows, left) - 1u));
  for (var k = 0u; k < p.inner4; k += DEPTH / 4u) {
    let column = min(k + patch_part(lane), p.inner4 - 1u);
    var values: mat4x4f;
    if (left) {
      let at = mine * p.inner4 + column;
      values = mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]);
    } else {
      values = mat4x4f(weights_of(mine.x, column), weights_of(mine.y, column), weights_of(mine.z, column), weights_of(mine.w, column));
    }
    block_stage(lane, transpose(values));
    block_add(lane, min(DEPTH, 4u * (p.inner4 - k)));
  }
  let row = first_row + lane / SIDE * 8u;
  let n = first_output + lane % SIDE * 4u;
  var sums = array<vec4f, 8>(
    block_low[0], block_low[1], block_low[2], block_low[3], block_high[0], block_high[1], block_high[2], block_high[3],
  );
  for (var r = 0u; row + r < p.rows && r < 8u; r++) { finish(row + r, n, 1u, sums[r]); }
}
