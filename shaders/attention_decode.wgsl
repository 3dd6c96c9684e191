// attention.wgsl for few rows with long contexts: a workgroup takes one row, one key head and up to four of its query heads,
// which share every read of a key and a value. Per 128 keys: a lane scores one key for its heads; then a lane mixes one vec4 of
// the head over its share of the keys. Same output, another order of summation, which is fixed.
// Loops end at what there is to do, not at constants: software adapters unroll those and compile for minutes. What a lane holds
// of its four heads is written out, since an array that is indexed at run time leaves the registers.

const TEAM = 128u;
// Lanes that have the same vec4 of the head.
const SHARES = TEAM / DIM4;
// Scores that a lane reduces; every lane joins the partial results.
const SPAN = 16u;
const MASKED = -3.4e38;
var<workgroup> vectors: array<vec4f, 4u * DIM4>; // of the four heads: queries, later mixtures
var<workgroup> weights: array<vec4f, TEAM>; // a component a head
var<workgroup> parts: array<vec4f, TEAM / SPAN>;
var<workgroup> key_count: u32;

@compute @workgroup_size(TEAM)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let group = p.heads / p.kv_heads;
  let fours = (group + 3u) / 4u;
  let i = workgroup_number(wid);
  if (i >= p.rows * p.kv_heads * fours) { return; }
  let lane = lid.x;
  let row = i / fours / p.kv_heads;
  let kv_head = (i / fours) % p.kv_heads;
  let head_count = min(4u, group - 4u * (i % fours));
  let first_head = row * p.heads + kv_head * group + 4u * (i % fours);
  let state = row * ROW_WORDS;
  let share = lane / DIM4;
  let column = lane % DIM4;
  for (var d = lane; d < head_count * DIM4; d += TEAM) { vectors[d] = q[first_head * DIM4 + d] * p.scale; }
  if (lane == 0u) { key_count = keys_of(state); }
  let keys = workgroupUniformLoad(&key_count);

  var largest = vec4f(MASKED);
  var total = vec4f(); // over the keys that this lane scored
  var mixed = mat4x4f(); // a column a head
  for (var first = 0u; first < keys; first += TEAM) {
    let count = min(TEAM, keys - first);
    var scores = vec4f();
    if (lane < count) {
      let at = (key_row(state, first + lane) * p.kv_heads + kv_head) * DIM4;
      for (var d = 0u; d < DIM4; d++) {
        let key = k[at + d];
        scores += vec4f(dot(vectors[d], key), dot(vectors[DIM4 + d], key), dot(vectors[2u * DIM4 + d], key), dot(vectors[3u * DIM4 + d], key));
      }
    }
    weights[lane] = scores;
    workgroupBarrier();
    if (lane * SPAN < count) {
      var best = weights[lane * SPAN];
      for (var t = lane * SPAN + 1u; t < min(lane * SPAN + SPAN, count); t++) { best = max(best, weights[t]); }
      parts[lane] = best;
    }
    workgroupBarrier();
    var best = largest;
    for (var part = 0u; part * SPAN < count; part++) { best = max(best, parts[part]); }
    let shrink = exp(largest - best);
    let weight = select(vec4f(), exp(scores - best), lane < count);
    largest = best;
    total = total * shrink + weight;
    mixed = mat4x4f(mixed[0] * shrink.x, mixed[1] * shrink.y, mixed[2] * shrink.z, mixed[3] * shrink.w);
    weights[lane] = weight;
    workgroupBarrier();
    if (share < SHARES) {
      for (var t = share; t < count; t += SHARES) {
        let value = v[(key_row(state, first + t) * p.kv_heads + kv_head) * DIM4 + column];
        let w = weights[t];
        mixed += mat4x4f(value * w.x, value * w.y, value * w.z, value * w.w);
      }
    }
    workgroupBarrier();
  }

  // The first share's lanes add what the others hold, share by share; then the sums over all lanes.
  let used = min(SHARES, keys);
  for (var s = 1u; s < used; s++) {
    if (share == s) {
      vectors[column] = mixed[0];
      vectors[DIM4 + column] = mixed[1];
      vectors[2u * DIM4 + column] = mixed[2];
      vectors[3u * DIM4 + column] = mixed[3];
    }
    workgroupBarrier();
    if (share == 0u) {
      mixed += mat4x4f(vectors[column], vectors[DIM4 + column], vectors[2u * DIM4 + column], vectors[3u * DIM4 + column]);
    }
    workgroupBarrier();
  }
  weights[lane] = total;
  workgroupBarrier();
  total = vec4f();
  for (var t = 0u; t < min(TEAM, keys); t++) { total += weights[t]; }
  if (share == 0u) {
    let out = first_head * DIM4 + column;
    o[out] = mixed[0] / total.x;
    if (head_count > 1u) { o[out + DIM4] = mixed[1] / total.y; }
    if (head_count > 2u) { o[out + 2u * DIM4] = mixed[2] / total.z; }
    if (head_count > 3u) { o[out + 3u * DIM4] = mixed[3] / total.w; }
  }
  if (lane < head_count) { stats[first_head + lane] = vec2f(largest[lane] + log(total[lane]), 0.0); }
}
