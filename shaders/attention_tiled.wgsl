// attention.wgsl by tiles, for many rows: a workgroup takes 32 queries of one key head (neighbouring rows, each with all
// query heads of that key head) and walks over all keys that any of them attends to, 32 at a time, masking by row: first
// over the hull of their prefixes, then over that of their own segments. Same output, another order of summation.

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

  var largest = vec4f(MASKED);
  var total = vec4f();
  var mixed0: array<vec4f, COLUMNS>;
  var mixed1: array<vec4f, COLUMNS>;
  var mixed2: array<vec4f, COLUMNS>;
  var mixed3: array<vec4f, COLUMNS>;
  let turns = turns_of(ranges.xy) + turns_of(ranges.zw);
  for (var turn = 0u; turn < turns; turn++) {
    let place = tile_turn(ranges, turn);
    let key = place.x;
    let end = place.y;
    let low = select(seen.prefix_start, seen.own_start, place.z == 1u);
    let high = select(seen.prefix_end, seen.own_end, place.z == 1u);
    var scores = mat4x4f();
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
    }
    var best = largest;
    for (var c = 0u; c < 4u; c++) {
      scores[c] = select(vec4f(MASKED), scores[c], inside(key + x + 8u * c, low, high));
      best = max(best, scores[c]);
    }
    best = max_over_x(x, y, best);
    let shrink = exp(largest - best);
    largest = best;
    total *= shrink;
    for (var c = 0u; c < 4u; c++) {
      // Where a row has seen nothing yet, `best` is the mask itself.
      let weights = select(vec4f(), exp(scores[c] - best), inside(key + x + 8u * c, low, high));
      total += weights;
      tile_weights[(x + 8u * c) * STRIDE + y] = weights;
    }
    workgroupBarrier();
    for (var c = 0u; c < COLUMNS; c++) {
      mixed0[c] *= shrink.x;
      mixed1[c] *= shrink.y;
      mixed2[c] *= shrink.z;
      mixed3[c] *= shrink.w;
    }
    for (var j = 0u; j < min(TILE, end - key); j++) {
      let weights = tile_weights[j * STRIDE + y];
      let value_at = ((key + j) * p.kv_heads + kv_head) * DIM4;
      for (var c = 0u; c < COLUMNS; c++) {
        let value = v[value_at + min(x + 8u * c, DIM4 - 1u)];
        mixed0[c] += weights.x * value;
        mixed1[c] += weights.y * value;
        mixed2[c] += weights.z * value;
        mixed3[c] += weights.w * value;
      }
    }
  }

  total = sum_over_x(x, y, total);
  for (var r = 0u; r < 4u; r++) {
    let query = first + 4u * y + r;
    if (query >= queries) { return; }
    let out = query_at(query, group, kv_head);
    for (var c = 0u; c < COLUMNS; c++) {
      if (x + 8u * c < DIM4) {
        let mixed = one_of(r, mixed0[c], mixed1[c], mixed2[c], mixed3[c]);
        o[out * DIM4 + x + 8u * c] = mixed / total[r];
      }
    }
    if (x == 0u) { stats[out] = vec2f(largest[r] + log(total[r]), 0.0); }
  }
}
