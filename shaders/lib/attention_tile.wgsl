// 32 × 32 tiles of products of head vectors for flash attention, by 64 lanes through workgroup memory (under 16 KiB).
// Lane (x, y) of 8 × 8 holds the tile's rows 4 y … 4 y + 3 at its columns x, x + 8, x + 16 and x + 24 as a matrix whose column c
// is a vector over its rows, and accumulates its rows' output at the vec4s x, x + 8, … of the head.
const TILE = 32u;
const TILE_LANES = 64u;
// vec4s of a head that are staged at once.
const CHUNK = 8u;
// One more than a chunk, so that neighbouring rows lie in different banks.
const STRIDE = CHUNK + 1u;
const COLUMNS = (DIM4 + 7u) / 8u;
const MASKED = -3.4e38;

var<workgroup> tile_left: array<vec4f, TILE * STRIDE>;
var<workgroup> tile_right: array<vec4f, TILE * STRIDE>;
// Weights of the tile's columns, a vector over the rows of each y.
var<workgroup> tile_weights: array<vec4f, TILE * STRIDE>;
var<workgroup> tile_parts: array<vec4f, TILE_LANES>;
// Two ranges of columns, (start, end) each: everything that any row of the tile needs.
var<workgroup> tile_ranges: vec4u;

// Query i of a key head is head i % group of row i / group; this is its place among all heads.
fn query_at(query: u32, group: u32, kv_head: u32) -> u32 {
  return (query / group) * p.heads + kv_head * group + query % group;
}

// Item i of vec4s chunk … chunk + depth - 1 of a tile's rows or columns: its place among what is staged, and where a key or a
// query has it.
fn staged_at(i: u32, depth: u32) -> u32 { return i / depth * STRIDE + i % depth; }

// Beyond the last key or query is the last again.
fn staged_key(first: u32, last: u32, kv_head: u32, chunk: u32, i: u32, depth: u32) -> u32 {
  return (min(first + i / depth, last) * p.kv_heads + kv_head) * DIM4 + chunk + i % depth;
}

fn staged_query(first: u32, last: u32, group: u32, kv_head: u32, chunk: u32, i: u32, depth: u32) -> u32 {
  return query_at(min(first + i / depth, last), group, kv_head) * DIM4 + chunk + i % depth;
}

// left · right over the `depth` vec4s that are staged, for the lane's rows and columns.
fn tile_product(x: u32, y: u32, depth: u32) -> mat4x4f {
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var d = 0u; d < depth; d++) {
    let a = tile_left[(4u * y) * STRIDE + d];
    let b = tile_left[(4u * y + 1u) * STRIDE + d];
    let c = tile_left[(4u * y + 2u) * STRIDE + d];
    let e = tile_left[(4u * y + 3u) * STRIDE + d];
    let r0 = tile_right[x * STRIDE + d];
    let r1 = tile_right[(x + 8u) * STRIDE + d];
    let r2 = tile_right[(x + 16u) * STRIDE + d];
    let r3 = tile_right[(x + 24u) * STRIDE + d];
    sum0 += vec4f(dot(a, r0), dot(b, r0), dot(c, r0), dot(e, r0));
    sum1 += vec4f(dot(a, r1), dot(b, r1), dot(c, r1), dot(e, r1));
    sum2 += vec4f(dot(a, r2), dot(b, r2), dot(c, r2), dot(e, r2));
    sum3 += vec4f(dot(a, r3), dot(b, r3), dot(c, r3), dot(e, r3));
  }
  return mat4x4f(sum0, sum1, sum2, sum3);
}

// Sum over the eight lanes that share rows, in a fixed order. A barrier must follow before the next reduction.
fn sum_over_x(x: u32, y: u32, value: vec4f) -> vec4f {
  tile_parts[x * 8u + y] = value;
  workgroupBarrier();
  var total = tile_parts[y];
  for (var i = 1u; i < 8u; i++) { total += tile_parts[i * 8u + y]; }
  return total;
}

fn max_over_x(x: u32, y: u32, value: vec4f) -> vec4f {
  tile_parts[x * 8u + y] = value;
  workgroupBarrier();
  var largest = tile_parts[y];
  for (var i = 1u; i < 8u; i++) { largest = max(largest, tile_parts[i * 8u + y]); }
  return largest;
}

// The walk over both ranges, a tile of columns a turn: (first column, end of its range, 1 in the second range).
fn tile_turn(ranges: vec4u, turn: u32) -> vec3u {
  let before = turns_of(ranges.xy);
  if (turn < before) { return vec3u(ranges.x + turn * TILE, ranges.y, 0u); }
  return vec3u(ranges.z + (turn - before) * TILE, ranges.w, 1u);
}

fn turns_of(range: vec2u) -> u32 {
  return select(0u, (range.y - range.x + TILE - 1u) / TILE, range.x < range.y);
}

fn widen(range: vec2u, start: u32, end: u32) -> vec2u {
  return select(range, vec2u(min(range.x, start), max(range.y, end)), start < end);
}

fn inside(column: u32, low: vec4u, high: vec4u) -> vec4<bool> {
  return (vec4u(column) >= low) & (vec4u(column) < high);
}

// Row r of four that are held apart, because an array that is indexed at run time leaves the registers.
fn one_of(r: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec4f {
  return select(select(a, b, r == 1u), select(c, d, r == 3u), r >= 2u);
}
