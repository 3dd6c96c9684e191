// attention_key_value.bwd.wgsl by tiles of 32 keys of one head and 32 queries (rows times query heads of that key head):
// first over the rows of the keys' own segments, then over the completions that share them as a prefix, masking by key.

// Queries that attend to keys first … last: hulls of the own segments' remainders and of the children.
fn attending(lane: u32, first: u32, last: u32, group: u32) -> vec4u {
  if (lane == 0u) {
    var own = vec2u(0xffffffffu, 0u);
    var children = own;
    for (var row = first; row <= last; row++) {
      own = widen(own, row * group, keys[row].x * group);
      children = widen(children, keys[row].y * group, keys[row].z * group);
    }
    tile_ranges = vec4u(own, children);
  }
  return workgroupUniformLoad(&tile_ranges);
}

@compute @workgroup_size(TILE_LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let lane = lid.x;
  let x = lane % 8u;
  let y = lane / 8u;
  let group = p.heads / p.kv_heads;
  let tiles = (p.rows + TILE - 1u) / TILE;
  let i = workgroup_number(wid);
  if (i >= tiles * p.kv_heads) { return; }
  let kv_head = i / tiles;
  let first = (i % tiles) * TILE;
  let last = min(first + TILE, p.rows) - 1u;
  let ranges = attending(lane, first, last, group);
  var reach: array<vec4u, 4>; // of the lane's four keys: own start and end, children start and end
  for (var r = 0u; r < 4u; r++) {
    let row = first + 4u * y + r;
    if (row <= last) {
      reach[0][r] = row;
      reach[1][r] = keys[row].x;
      reach[2][r] = keys[row].y;
      reach[3][r] = keys[row].z;
    }
  }

  var sum_k0: array<vec4f, COLUMNS>;
  var sum_k1: array<vec4f, COLUMNS>;
  var sum_k2: array<vec4f, COLUMNS>;
  var sum_k3: array<vec4f, COLUMNS>;
  var sum_v0: array<vec4f, COLUMNS>;
  var sum_v1: array<vec4f, COLUMNS>;
  var sum_v2: array<vec4f, COLUMNS>;
  var sum_v3: array<vec4f, COLUMNS>;
  let turns = turns_of(ranges.xy) + turns_of(ranges.zw);
  for (var turn = 0u; turn < turns; turn++) {
    let place = tile_turn(ranges, turn);
    let query = place.x;
    let end = place.y;
    let low = select(reach[0], reach[2], place.z == 1u);
    let high = select(reach[1], reach[3], place.z == 1u);
    var scores = mat4x4f();
    var d_weights = mat4x4f();
    for (var chunk = 0u; chunk < DIM4; chunk += CHUNK) {
      let depth = min(CHUNK, DIM4 - chunk);
      workgroupBarrier();
      for (var i = lane; i < TILE * depth; i += TILE_LANES) {
        let at = staged_at(i, depth);
        tile_left[at] = k[staged_key(first, last, kv_head, chunk, i, depth)] * p.scale;
        tile_right[at] = q[staged_query(query, end - 1u, group, kv_head, chunk, i, depth)];
      }
      workgroupBarrier();
      scores += tile_product(x, y, depth);
      workgroupBarrier();
      for (var i = lane; i < TILE * depth; i += TILE_LANES) {
        let at = staged_at(i, depth);
        tile_left[at] = v[staged_key(first, last, kv_head, chunk, i, depth)];
        tile_right[at] = d_o[staged_query(query, end - 1u, group, kv_head, chunk, i, depth)];
      }
      workgroupBarrier();
      d_weights += tile_product(x, y, depth);
    }
    for (var c = 0u; c < 4u; c++) {
      let column = min(query + x + 8u * c, end - 1u);
      let stat = stats[query_at(column, group, kv_head)];
      // Beyond the end there is no row, so nothing is inside.
      let row = select(column / group, 0xffffffffu, query + x + 8u * c >= end);
      scores[c] = select(vec4f(), exp(scores[c] - stat.x), inside(row, low, high));
      d_weights[c] = scores[c] * (d_weights[c] - stat.y) * p.scale;
      tile_weights[(x + 8u * c) * STRIDE + y] = scores[c];
    }
    workgroupBarrier();
    let count = min(TILE, end - query);
    for (var j = 0u; j < count; j++) {
      let weights = tile_weights[j * STRIDE + y];
      let at = query_at(query + j, group, kv_head) * DIM4;
      for (var c = 0u; c < COLUMNS; c++) {
        let value = d_o[at + min(x + 8u * c, DIM4 - 1u)];
        sum_v0[c] += weights.x * value;
        sum_v1[c] += weights.y * value;
        sum_v2[c] += weights.z * value;
        sum_v3[c] += weights.w * value;
      }
    }
    workgroupBarrier();
    for (var c = 0u; c < 4u; c++) { tile_weights[(x + 8u * c) * STRIDE + y] = d_weights[c]; }
    workgroupBarrier();
    for (var j = 0u; j < count; j++) {
      let d_scores = tile_weights[j * STRIDE + y];
      let at = query_at(query + j, group, kv_head) * DIM4;
      for (var c = 0u; c < COLUMNS; c++) {
        let value = q[at + min(x + 8u * c, DIM4 - 1u)];
        sum_k0[c] += d_scores.x * value;
        sum_k1[c] += d_scores.y * value;
        sum_k2[c] += d_scores.z * value;
        sum_k3[c] += d_scores.w * value;
      }
    }
  }

  for (var r = 0u; r < 4u; r++) {
    let row = first + 4u * y + r;
    if (row > last) { return; }
    let out = (row * p.kv_heads + kv_head) * DIM4 + x;
    for (var c = 0u; c < COLUMNS; c++) {
      if (x + 8u * c < DIM4) {
        dk[out + 8u * c] = one_of(r, sum_k0[c], sum_k1[c], sum_k2[c], sum_k3[c]);
        dv[out + 8u * c] = one_of(r, sum_v0[c], sum_v1[c], sum_v2[c], sum_v3[c]);
      }
    }
  }
}
