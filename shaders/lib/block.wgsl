// Blocks of 64 × 64 outputs of a matrix product by 128 lanes, 16 terms at a time through workgroup memory (8 KiB). Lane
// (x, y) of 16 × 8 sums rows 8 y … 8 y + 7 at columns 4 x … 4 x + 3, in registers. Half of the lanes stage the left factor, half the
// right, a patch of four by four each.
const BLOCK = 64u;
const BLOCK_LANES = 128u;
const DEPTH = 16u;
const SIDE = BLOCK / 4u;

// Term d of the left factor's rows, in fours, from d * SIDE; of the right factor's columns from DEPTH * SIDE on.
var<workgroup> block_terms: array<vec4f, 2u * DEPTH * SIDE>;
// Columns 4 x … of rows 8 y … 8 y + 3 and 8 y + 4 … 8 y + 7, a matrix column a row.
var<private> block_low: mat4x4f;
var<private> block_high: mat4x4f;

// A lane's patch: fours `place` of rows or columns, terms 4 part … 4 part + 3.
fn patch_place(lane: u32) -> u32 { return lane % SIDE; }
fn patch_part(lane: u32) -> u32 { return lane / SIDE % (DEPTH / 4u); }

// Stages a patch, a matrix column a term, between two barriers.
fn block_stage(lane: u32, patch_terms: mat4x4f) {
  let at = select(0u, DEPTH * SIDE, lane >= BLOCK_LANES / 2u) + 4u * patch_part(lane) * SIDE + patch_place(lane);
  workgroupBarrier();
  block_terms[at] = patch_terms[0];
  block_terms[at + SIDE] = patch_terms[1];
  block_terms[at + 2u * SIDE] = patch_terms[2];
  block_terms[at + 3u * SIDE] = patch_terms[3];
  workgroupBarrier();
}

// Adds the first `depth` staged terms.
fn block_add(lane: u32, depth: u32) {
  let x = lane % SIDE;
  let y = lane / SIDE;
  for (var d = 0u; d < depth; d++) {
    let low = block_terms[d * SIDE + 2u * y];
    let high = block_terms[d * SIDE + 2u * y + 1u];
    let right = block_terms[(DEPTH + d) * SIDE + x];
    block_low += mat4x4f(low.x * right, low.y * right, low.z * right, low.w * right);
    block_high += mat4x4f(high.x * right, high.y * right, high.z * right, high.w * right);
  }
}
