// Up to ROWS rows that a subgroup shares: its lanes load a row each, and broadcasts hand every row to all of them. Where the
// subgroup is smaller a lane loads several, a subgroup apart; where it is larger rows are loaded more than once.

// Rows that lane `lane` loads, of which those beyond ROWS / SUBGROUP are not used; beyond the last row the last again.
fn rows_of(first: u32, lane: u32, count: u32) -> vec4u {
  return min(vec4u(first) + (vec4u(lane) + vec4u(0u, 1u, 2u, 3u) * SUBGROUP) % ROWS, vec4u(count - 1u));
}
