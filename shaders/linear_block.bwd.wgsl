// linear.bwd.wgsl for many rows and any layout of the weights: a workgroup computes 64 rows × 64 inputs of dx.

@compute @workgroup_size(BLOCK_LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let lane = lid.x;
  let first_row = wid.y * BLOCK;
  let mine = min(vec4u(first_row + 4u * patch_place(lane)) + vec4u(0u, 1u, 2u, 3u), vec4u(p.rows - 1u));
  let column = min(wid.x * SIDE + patch_place(lane), p.inner4 - 1u);
  for (var n = 0u; n < p.cols; n += DEPTH) {
    let terms = min(vec4u(n + 4u * patch_part(lane)) + vec4u(0u, 1u, 2u, 3u), vec4u(p.cols - 1u));
    var values: mat4x4f;
    if (lane < BLOCK_LANES / 2u) {
      let at = mine * p.dy_stride + p.dy_offset;
      values = mat4x4f(
        vec4f(dy[at.x + terms.x], dy[at.y + terms.x], dy[at.z + terms.x], dy[at.w + terms.x]),
        vec4f(dy[at.x + terms.y], dy[at.y + terms.y], dy[at.z + terms.y], dy[at.w + terms.y]),
        vec4f(dy[at.x + terms.z], dy[at.y + terms.z], dy[at.z + terms.z], dy[at.w + terms.z]),
        vec4f(dy[at.x + terms.w], dy[at.y + terms.w], dy[at.z + terms.w], dy[at.w + terms.w]),
      );
    } else {
      values = mat4x4f(weights_of(terms.x, column), weights_of(terms.y, column), weights_of(terms.z, column), weights_of(terms.w, column));
    }
    block_stage(lane, values);
    block_add(lane, min(DEPTH, p.cols - n));
  }
  let row = first_row + lane / SIDE * 8u;
  let k = wid.x * SIDE + lane % SIDE;
  if (k >= p.inner4) { return; }
  var sums = array<vec4f, 8>(
    block_low[0], block_low[1], block_low[2], block_low[3], block_high[0], block_high[1], block_high[2], block_high[3],
  );
  for (var r = 0u; row + r < p.rows && r < 8u; r++) {
    let out = (row + r) * p.inner4 + k;
    dx[out] = select(vec4f(), dx[out], p.accumulate != 0u) + sums[r];
  }
}
