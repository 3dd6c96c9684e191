// Up to ROWS (4 or 16) rows that a subgroup shares: its lanes load a row each, and broadcasts hand every row to all of them. Where
// the subgroup is smaller a lane loads several, a subgroup apart; where it is larger rows are loaded more than once. A lane sums four values
// for each row; the kernel's `combine(sum, row, m)` adds to them. Written out, because broadcasts want constant lanes.

// Rows that lane `lane` loads, of which those beyond ROWS / SUBGROUP are not used; beyond the last row the last again.
fn rows_of(first: u32, lane: u32, count: u32) -> vec4u {
  return min(vec4u(first) + (vec4u(lane) + vec4u(0u, 1u, 2u, 3u) * SUBGROUP) % ROWS, vec4u(count - 1u));
}

var<private> sums0: vec4f;
var<private> sums1: vec4f;
var<private> sums2: vec4f;
var<private> sums3: vec4f;
var<private> sums4: vec4f;
var<private> sums5: vec4f;
var<private> sums6: vec4f;
var<private> sums7: vec4f;
var<private> sums8: vec4f;
var<private> sums9: vec4f;
var<private> sums10: vec4f;
var<private> sums11: vec4f;
var<private> sums12: vec4f;
var<private> sums13: vec4f;
var<private> sums14: vec4f;
var<private> sums15: vec4f;

// `mine`: this lane's part of its rows, a matrix column a row.
fn add_rows(mine: mat4x4f, m: mat4x4f) {
  sums0 = combine(sums0, subgroupBroadcast(mine[0u / SUBGROUP % 4u], 0u % SUBGROUP), m);
  sums1 = combine(sums1, subgroupBroadcast(mine[1u / SUBGROUP % 4u], 1u % SUBGROUP), m);
  sums2 = combine(sums2, subgroupBroadcast(mine[2u / SUBGROUP % 4u], 2u % SUBGROUP), m);
  sums3 = combine(sums3, subgroupBroadcast(mine[3u / SUBGROUP % 4u], 3u % SUBGROUP), m);
  if (ROWS > 4u) {
    sums4 = combine(sums4, subgroupBroadcast(mine[4u / SUBGROUP % 4u], 4u % SUBGROUP), m);
    sums5 = combine(sums5, subgroupBroadcast(mine[5u / SUBGROUP % 4u], 5u % SUBGROUP), m);
    sums6 = combine(sums6, subgroupBroadcast(mine[6u / SUBGROUP % 4u], 6u % SUBGROUP), m);
    sums7 = combine(sums7, subgroupBroadcast(mine[7u / SUBGROUP % 4u], 7u % SUBGROUP), m);
    sums8 = combine(sums8, subgroupBroadcast(mine[8u / SUBGROUP % 4u], 8u % SUBGROUP), m);
    sums9 = combine(sums9, subgroupBroadcast(mine[9u / SUBGROUP % 4u], 9u % SUBGROUP), m);
    sums10 = combine(sums10, subgroupBroadcast(mine[10u / SUBGROUP % 4u], 10u % SUBGROUP), m);
    sums11 = combine(sums11, subgroupBroadcast(mine[11u / SUBGROUP % 4u], 11u % SUBGROUP), m);
    sums12 = combine(sums12, subgroupBroadcast(mine[12u / SUBGROUP % 4u], 12u % SUBGROUP), m);
    sums13 = combine(sums13, subgroupBroadcast(mine[13u / SUBGROUP % 4u], 13u % SUBGROUP), m);
    sums14 = combine(sums14, subgroupBroadcast(mine[14u / SUBGROUP % 4u], 14u % SUBGROUP), m);
    sums15 = combine(sums15, subgroupBroadcast(mine[15u / SUBGROUP % 4u], 15u % SUBGROUP), m);
  }
}

fn all_sums() -> array<vec4f, 16> {
  return array<vec4f, 16>(
    sums0, sums1, sums2, sums3, sums4, sums5, sums6, sums7, sums8, sums9, sums10, sums11, sums12, sums13, sums14, sums15,
  );
}

fn clear_sums() {
  sums0 = vec4f();
  sums1 = vec4f();
  sums2 = vec4f();
  sums3 = vec4f();
  sums4 = vec4f();
  sums5 = vec4f();
  sums6 = vec4f();
  sums7 = vec4f();
  sums8 = vec4f();
  sums9 = vec4f();
  sums10 = vec4f();
  sums11 = vec4f();
  sums12 = vec4f();
  sums13 = vec4f();
  sums14 = vec4f();
  sums15 = vec4f();
}
