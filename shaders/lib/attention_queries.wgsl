// What a tile of queries attends to: for each row its prefix, and its own segment up to itself.
struct Attended { prefix_start: vec4u, prefix_end: vec4u, own_start: vec4u, own_end: vec4u }

// Keys of four queries; none for those beyond the last.
fn attended_by_lane(first: u32, queries: u32, group: u32) -> Attended {
  var seen: Attended;
  for (var r = 0u; r < 4u; r++) {
    if (first + r < queries) {
      let state = ((first + r) / group) * ROW_WORDS;
      seen.prefix_start[r] = rows[state + ROW_PREFIX_START];
      seen.prefix_end[r] = rows[state + ROW_PREFIX_START] + rows[state + ROW_PREFIX_LEN];
      seen.own_start[r] = rows[state + ROW_OWN_START];
      seen.own_end[r] = rows[state + ROW_OWN_START] + rows[state + ROW_OWN_LEN];
    }
  }
  return seen;
}

// Hulls of the prefixes and of the own segments of rows first … last.
fn attended_by_tile(lane: u32, first: u32, last: u32) -> vec4u {
  if (lane == 0u) {
    var prefix = vec2u(0xffffffffu, 0u);
    var own = prefix;
    for (var row = first; row <= last; row++) {
      let state = row * ROW_WORDS;
      let prefix_start = rows[state + ROW_PREFIX_START];
      prefix = widen(prefix, prefix_start, prefix_start + rows[state + ROW_PREFIX_LEN]);
      let own_start = rows[state + ROW_OWN_START];
      own = widen(own, own_start, own_start + rows[state + ROW_OWN_LEN]);
    }
    tile_ranges = vec4u(prefix, own);
  }
  return workgroupUniformLoad(&tile_ranges);
}
