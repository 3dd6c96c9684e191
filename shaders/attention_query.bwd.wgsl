// dq by recomputation: p = exp(score - lse), ds = p (do · v - delta), dq += ds k, with delta = do · o, which is kept in
// stats[t, head].y for the key/value pass.

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * LANES + lid.x;
  if (i >= p.rows * p.heads) { return; }
  let row = i / p.heads;
  let kv_head = (i % p.heads) * p.kv_heads / p.heads;
  let state = row * ROW_WORDS;
  let count = keys_of(state);
  var query: array<vec4f, DIM4>;
  var upstream: array<vec4f, DIM4>;
  var sum: array<vec4f, DIM4>;
  var delta = 0.0;
  for (var d = 0u; d < DIM4; d++) {
    query[d] = q[i * DIM4 + d] * p.scale;
    upstream[d] = d_o[i * DIM4 + d];
    sum[d] = vec4f();
    delta += dot(upstream[d], o[i * DIM4 + d]);
  }
  let lse = stats[i].x;
  for (var j = 0u; j < count; j++) {
    let at = (key_row(state, j) * p.kv_heads + kv_head) * DIM4;
    var score = 0.0;
    var d_weight = 0.0;
    for (var d = 0u; d < DIM4; d++) {
      score += dot(query[d], k[at + d]);
      d_weight += dot(upstream[d], v[at + d]);
    }
    let d_score = exp(score - lse) * (d_weight - delta) * p.scale;
    for (var d = 0u; d < DIM4; d++) { sum[d] += d_score * k[at + d]; }
  }
  for (var d = 0u; d < DIM4; d++) { dq[i * DIM4 + d] = sum[d]; }
  stats[i] = vec2f(lse, delta);
}
