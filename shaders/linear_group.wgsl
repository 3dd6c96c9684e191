// linear_tiled.wgsl for a group of rows: a workgroup takes a tile of 32 outputs and up to ROWS rows, and reads the tile's weights
// once for all of them. Eight lanes share an output, each taking every eighth block of inputs; their sums are joined in order.
// What a prologue makes of the inputs is made once a workgroup and read from workgroup memory; without one lanes read x itself.
alias Weights = vec4u;

const SLICES = 8u;
const LANES = SLICES * TILE;
// vec4s of inputs in a turn: a block for each slice.
const TURN = 8u * SLICES;
const QUADS = (ROWS + 3u) / 4u;
// A turn's inputs, (ROWS, TURN); after the last turn the lanes' sums, (SLICES, QUADS, TILE), each of four rows.
var<workgroup> scratch: array<vec4f, max(ROWS * TURN, SLICES * QUADS * TILE)>;
var<private> x_at: array<u32, ROWS>;
var<private> sums: array<f32, ROWS>;

// Four inputs at place k of the turn that begins at x's place `first`; beyond the last input the weights are 0.
fn add(first: u32, k: u32, weights: vec4f) {
  for (var r = 0u; r < ROWS; r++) {
    if (PROLOGUE == NO_PROLOGUE) {
      sums[r] += dot(x[x_at[r] + min(first + k, p.inner4 - 1u)], weights);
    } else {
      sums[r] += dot(scratch[r * TURN + k], weights);
    }
  }
}

// Adds the slice's block of the turn, where there is one.
fn add_block(tile: u32, turn: u32, slice: u32, output: u32) {
  let blocks = block_count(p.inner4);
  let block = turn + slice;
  if (block >= blocks) { return; }
  let at = (tile * blocks + block) * (block_words() / 4u);
  let pair = unpack2x16float(w[at + scales_at() / 4u + output / 8u][output / 2u % 4u]);
  let scale = select(pair.x, pair.y, (output & 1u) == 1u);
  for (var half = 0u; half < block_halves(); half++) {
    var words = w[at + half * TILE + output];
    for (var i = 0u; i < 4u; i++) {
      if (WEIGHT_BITS == 4u) {
        add(8u * turn, 8u * slice + 2u * i, scale * unpack_nibbles(words.x, 0u));
        add(8u * turn, 8u * slice + 2u * i + 1u, scale * unpack_nibbles(words.x, 16u));
      } else {
        add(8u * turn, 8u * slice + 4u * half + i, scale * unpack_bytes(words.x));
      }
      words = words.yzww;
    }
  }
}

// Makes the inputs of the turn that begins at x's place `first`.
fn stage(lane: u32, first_row: u32, first: u32) {
  workgroupBarrier();
  for (var i = lane; i < ROWS * TURN; i += LANES) {
    scratch[i] = input(first_row, i / TURN, min(first + i % TURN, p.inner4 - 1u));
  }
  workgroupBarrier();
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let output = lid.x % TILE;
  let slice = lid.x / TILE;
  let first_row = wid.y * ROWS;
  for (var r = 0u; r < ROWS; r++) { x_at[r] = min(first_row + r, p.rows - 1u) * p.inner4; }
  prepare(lid.x, first_row);
  for (var turn = 0u; turn < block_count(p.inner4); turn += SLICES) {
    if (PROLOGUE != NO_PROLOGUE) { stage(lid.x, first_row, 8u * turn); }
    add_block(wid.x, turn, slice, output);
  }
  workgroupBarrier();
  for (var q = 0u; q < QUADS; q++) {
    var four = vec4f();
    for (var r = 4u * q; r < min(4u * q + 4u, ROWS); r++) { four[r % 4u] = sums[r]; }
    scratch[(slice * QUADS + q) * TILE + output] = four;
  }
  workgroupBarrier();
  for (var i = lid.x; i < ROWS * TILE / 4u; i += LANES) {
    let r = i / (TILE / 4u);
    let n = i % (TILE / 4u) * 4u;
    var total = vec4f();
    for (var s = 0u; s < SLICES; s++) {
      let at = (s * QUADS + r / 4u) * TILE + n;
      let c = r % 4u;
      total += vec4f(scratch[at][c], scratch[at + 1u][c], scratch[at + 2u][c], scratch[at + 3u][c]);
    }
    finish(first_row + r, wid.x * TILE + n, 1u, total);
  }
}
