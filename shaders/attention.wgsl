// o[t, head] = softmax(q · k / sqrt(HEAD_DIM)) v over the rows that t attends to, one invocation a row and head, by an
// online softmax. stats[t, head] = (log-sum-exp of the scores, unused) for the backward pass.

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * LANES + lid.x;
  if (i >= p.rows * p.heads) { return; }
  let row = i / p.heads;
  let kv_head = (i % p.heads) * p.kv_heads / p.heads;
  let state = row * ROW_WORDS;
  let count = keys_of(state);
  var query: array<vec4f, DIM4>;
  var mixed: array<vec4f, DIM4>;
  for (var d = 0u; d < DIM4; d++) {
    query[d] = q[i * DIM4 + d] * p.scale;
    mixed[d] = vec4f();
  }
  var largest = -3.4e38;
  var total = 0.0;
  for (var j = 0u; j < count; j++) {
    let at = (key_row(state, j) * p.kv_heads + kv_head) * DIM4;
    var score = 0.0;
    for (var d = 0u; d < DIM4; d++) { score += dot(query[d], k[at + d]); }
    if (score > largest) {
      let shrink = exp(largest - score);
      total *= shrink;
      for (var d = 0u; d < DIM4; d++) { mixed[d] *= shrink; }
      largest = score;
    }
    let weight = exp(score - largest);
    total += weight;
    for (var d = 0u; d < DIM4; d++) { mixed[d] += weight * v[at + d]; }
  }
  for (var d = 0u; d < DIM4; d++) { o[i * DIM4 + d] = mixed[d] / total; }
  stats[i] = vec2f(largest + log(total), 0.0);
}
