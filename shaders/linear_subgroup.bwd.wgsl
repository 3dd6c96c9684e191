// linear.bwd.wgsl for adapters with subgroups, any layout of the weights: ROWS rows by 4 inputs an invocation, rows of dy by
// broadcast as those of x in linear_subgroup.wgsl. Sums are made in linear.bwd.wgsl's order.

// Four outputs' dy of one row; beyond the last output 0.
fn dy_of(at: u32, outputs: vec4u, live: vec4<bool>) -> vec4f {
  return select(vec4f(), vec4f(dy[at + outputs.x], dy[at + outputs.y], dy[at + outputs.z], dy[at + outputs.w]), live);
}

fn combine(sum: vec4f, d: vec4f, m: mat4x4f) -> vec4f {
  var total = sum + d.x * m[0];
  total += d.y * m[1];
  total += d.z * m[2];
  total += d.w * m[3];
  return total;
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let wid = workgroup_at(id);
  let k = wid.x * SUBGROUP + lane;
  let row = wid.y * ROWS;
  let column = min(k, p.inner4 - 1u);
  let dy_at = rows_of(row, lane, p.rows) * p.dy_stride + p.dy_offset;
  for (var n = 0u; n < p.cols; n += 4u) {
    let places = vec4u(n) + vec4u(0u, 1u, 2u, 3u);
    let outputs = min(places, vec4u(p.cols - 1u));
    let live = places < vec4u(p.cols);
    var parts = mat4x4f();
    parts[0] = dy_of(dy_at.x, outputs, live);
    if (ROWS > SUBGROUP) { parts[1] = dy_of(dy_at.y, outputs, live); }
    if (ROWS > 2u * SUBGROUP) { parts[2] = dy_of(dy_at.z, outputs, live); }
    if (ROWS > 3u * SUBGROUP) { parts[3] = dy_of(dy_at.w, outputs, live); }
    add_rows(parts, mat4x4f(weights_of(outputs.x, column), weights_of(outputs.y, column), weights_of(outputs.z, column), weights_of(outputs.w, column)));
  }
  var sums = all_sums();
  for (var r = 0u; row + r < p.rows && r < ROWS; r++) { finish(row + r, k, sums[r]); }
}
