// dk and dv of one key/value row and head, by recomputation over the rows that attend to it: [t, own_end) of its own
// segment and, for a prefix, [children_start, children_end), the completions that share it. keys[t] = (own_end,
// children_start, children_end, unused). Key/value row t belongs to row t. The order is fixed, so sums are reproducible.

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * LANES + lid.x;
  if (i >= p.rows * p.kv_heads) { return; }
  let row = i / p.kv_heads;
  let kv_head = i % p.kv_heads;
  let group = p.heads / p.kv_heads;
  var key: array<vec4f, DIM4>;
  var value: array<vec4f, DIM4>;
  var sum_k: array<vec4f, DIM4>;
  var sum_v: array<vec4f, DIM4>;
  for (var d = 0u; d < DIM4; d++) {
    key[d] = k[i * DIM4 + d];
    value[d] = v[i * DIM4 + d];
    sum_k[d] = vec4f();
    sum_v[d] = vec4f();
  }
  let reach = keys[row];
  let own = reach.x - row;
  let count = own + reach.z - reach.y;
  for (var j = 0u; j < count; j++) {
    let query_row = select(reach.y + j - own, row + j, j < own);
    for (var g = 0u; g < group; g++) {
      let head = query_row * p.heads + kv_head * group + g;
      let stat = stats[head];
      let at = head * DIM4;
      var score = 0.0;
      var d_weight = 0.0;
      for (var d = 0u; d < DIM4; d++) {
        score += dot(q[at + d], key[d]);
        d_weight += dot(d_o[at + d], value[d]);
      }
      let weight = exp(score * p.scale - stat.x);
      let d_score = weight * (d_weight - stat.y) * p.scale;
      for (var d = 0u; d < DIM4; d++) {
        sum_k[d] += d_score * q[at + d];
        sum_v[d] += weight * d_o[at + d];
      }
    }
  }
  for (var d = 0u; d < DIM4; d++) {
    dk[i * DIM4 + d] = sum_k[d];
    dv[i * DIM4 + d] = sum_v[d];
  }
}
