// attention_query.bwd.wgsl by tiles of 32 queries and 32 keys; the walk is that of attention_tiled.wgsl.

@compute @workgroup_size(TILE_LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let lane = lid.x;
  let x = lane % 8u;
  let y = lane / 8u;
  let group = p.heads / p.kv_heads;
  let queries = p.rows * group;
  let tiles = (queries + TILE - 1u) / TILE;
  let i = workgroup_number(wid);
  if (i >= tiles * p.kv_heads) { return; }
  let kv_head = i / tiles;
  let first = (i % tiles) * TILE;
  let last = min(first + TILE, queries) - 1u;
  let ranges = attended_by_tile(lane, first / group, last / group);
  let seen = attended_by_lane(first + 4u * y, queries, group);

  var lse: vec4f;
  var delta: vec4f;
  for (var r = 0u; r < 4u; r++) {
    let query = query_at(min(first + 4u * y + r, last), group, kv_head);
    lse[r] = stats[query].x;
    for (var d = x; d < DIM4; d += 8u) { delta[r] += dot(d_o[query * DIM4 + d], o[query * DIM4 + d]); }
  }
  delta = sum_over_x(x, y, delta);

  var sum0: array<vec4f, COLUMNS>;
  var sum1: array<vec4f, COLUMNS>;
  var sum2: array<vec4f, COLUMNS>;
  var sum3: array<vec4f, COLUMNS>;
  let turns = turns_of(ranges.xy) + turns_of(ranges.zw);
  for (var turn = 0u; turn < turns; turn++) {
    let place = tile_turn(ranges, turn);
    let key = place.x;
    let end = place.y;
    let low = select(seen.prefix_start, seen.own_start, place.z == 1u);
    let high = select(seen.prefix_end, seen.own_end, place.z == 1u);
    var scores = mat4x4f();
    var d_weights = mat4x4f();
    for (var chunk = 0u; chunk < DIM4; chunk += CHUNK) {
      let depth = min(CHUNK, DIM4 - chunk);
      workgroupBarrier();
      for (var i = lane; i < TILE * depth; i += TILE_LANES) {
        let at = staged_at(i, depth);
        tile_left[at] = q[staged_query(first, last, group, kv_head, chunk, i, depth)] * p.scale;
        tile_right[at] = k[staged_key(key, end - 1u, kv_head, chunk, i, depth)];
      }
      workgroupBarrier();
      scores += tile_product(x, y, depth);
      workgroupBarrier();
      for (var i = lane; i < TILE * depth; i += TILE_LANES) {
        let at = staged_at(i, depth);
        tile_left[at] = d_o[staged_query(first, last, group, kv_head, chunk, i, depth)];
        tile_right[at] = v[staged_key(key, end - 1u, kv_head, chunk, i, depth)];
      }
      workgroupBarrier();
      d_weights += tile_product(x, y, depth);
    }
    for (var c = 0u; c < 4u; c++) {
      let d_scores = exp(scores[c] - lse) * (d_weights[c] - delta) * p.scale;
      tile_weights[(x + 8u * c) * STRIDE + y] = select(vec4f(), d_scores, inside(key + x + 8u * c, low, high));
    }
    workgroupBarrier();
    for (var j = 0u; j < min(TILE, end - key); j++) {
      let d_scores = tile_weights[j * STRIDE + y];
      let key_at = ((key + j) * p.kv_heads + kv_head) * DIM4;
      for (var c = 0u; c < COLUMNS; c++) {
        let value = k[key_at + min(x + 8u * c, DIM4 - 1u)];
        sum0[c] += d_scores.x * value;
        sum1[c] += d_scores.y * value;
        sum2[c] += d_scores.z * value;
        sum3[c] += d_scores.w * value;
      }
    }
  }

  for (var r = 0u; r < 4u; r++) {
    let query = first + 4u * y + r;
    if (query >= queries) { return; }
    let out = query_at(query, group, kv_head);
    for (var c = 0u; c < COLUMNS; c++) {
      if (x + 8u * c < DIM4) {
        dq[out * DIM4 + x + 8u * c] = one_of(r, sum0[c], sum1[c], sum2[c], sum3[c]);
      }
    }
    if (x == 0u) { stats[out] = vec2f(lse[r], delta[r]); }
  }
}
