// o[t, head] = softmax(q · k / sqrt(HEAD_DIM)) v over the rows that t attends to, one invocation a row and head, by an
// online softmax. stats[t, head] = (log-sum-exp of the scores, unused) for the backward pass.
struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;
@group(1) @binding(0) var<uniform> p: Params;

const DIM4 = HEAD_DIM / 4u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * LANES + lid.x;
  if (i >= p.rows * p.heads) { return; }
  let row = i / p.heads;
  let kv_head = (i % p.heads) * p.kv_heads / p.heads;
  let state = row * ROW_WORDS;
  let prefix_len = rows[state + ROW_PREFIX_LEN];
  let count = prefix_len + rows[state + ROW_OWN_LEN];
  var query: array<vec4f, DIM4>;
  var mixed: array<vec4f, DIM4>;
  for (var d = 0u; d < DIM4; d++) {
    query[d] = q[i * DIM4 + d] * p.scale;
    mixed[d] = vec4f();
  }
  var largest = -3.4e38;
  var total = 0.0;
  for (var j = 0u; j < count; j++) {
    let kv_row = select(rows[state + ROW_OWN_START] + j - prefix_len, rows[state + ROW_PREFIX_START] + j, j < prefix_len);
    let at = (kv_row * p.kv_heads + kv_head) * DIM4;
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
