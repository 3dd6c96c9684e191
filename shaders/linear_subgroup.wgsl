// linear.wgsl for adapters with subgroups, any layout of the weights: ROWS rows by 4 outputs an invocation, of which it loads
// what its own outputs need and a row or two of x and h; the other rows come by broadcast from its neighbours. On a software adapter a load
// costs as much as a dozen multiplications, a broadcast next to nothing. Sums are made in linear.wgsl's order.

fn combine(sum: vec4f, a: vec4f, m: mat4x4f) -> vec4f {
  return sum + vec4f(dot(a, m[0]), dot(a, m[1]), dot(a, m[2]), dot(a, m[3]));
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let wid = workgroup_at(id);
  let group = wid.x * 4u * SUBGROUP;
  let n = group + lane;
  let row = wid.y * ROWS;
  let last = p.cols - 1u;
  let outputs = min(vec4u(n) + vec4u(0u, 1u, 2u, 3u) * SUBGROUP, vec4u(last));
  let mine = rows_of(row, lane, p.rows);
  let x_at = mine * p.inner4;
  for (var k = 0u; k < p.inner4; k++) {
    var parts = mat4x4f();
    parts[0] = x[x_at.x + k];
    if (ROWS > SUBGROUP) { parts[1] = x[x_at.y + k]; }
    if (ROWS > 2u * SUBGROUP) { parts[2] = x[x_at.z + k]; }
    if (ROWS > 3u * SUBGROUP) { parts[3] = x[x_at.w + k]; }
    add_rows(parts, mat4x4f(weights_of(outputs.x, k), weights_of(outputs.y, k), weights_of(outputs.z, k), weights_of(outputs.w, k)));
  }
  var products = all_sums();
  clear_sums();
  // LoRA in the same way: h by the segment that an output reads, B's rows of other segments as zeros.
  if (p.rank != 0u) {
    let rank4 = p.rank / 4u;
    let h_at = mine * (p.h_stride / 4u);
    let b_at = outputs * rank4;
    for (var s = segment_of(group); s <= segment_of(min(group + 4u * SUBGROUP - 1u, last)); s++) {
      for (var j = 0u; j < rank4; j++) {
        let h_j = s * rank4 + j;
        var parts = mat4x4f();
        parts[0] = h[h_at.x + h_j];
        if (ROWS > SUBGROUP) { parts[1] = h[h_at.y + h_j]; }
        if (ROWS > 2u * SUBGROUP) { parts[2] = h[h_at.z + h_j]; }
        if (ROWS > 3u * SUBGROUP) { parts[3] = h[h_at.w + h_j]; }
        add_rows(parts, mat4x4f(b_of(b_at.x + j, outputs.x, s), b_of(b_at.y + j, outputs.y, s), b_of(b_at.z + j, outputs.z, s), b_of(b_at.w + j, outputs.w, s)));
      }
    }
  }
  var low_ranks = all_sums();
  for (var r = 0u; row + r < p.rows && r < ROWS; r++) { store(row + r, n, SUBGROUP, products[r], low_ranks[r]); }
}

fn b_of(at: u32, output: u32, segment: u32) -> vec4f {
  return select(vec4f(), b[at], segment_of(output) == segment);
}
