// linear_tiled.wgsl for a group of rows: a workgroup takes a tile of 32 outputs and up to ROWS rows, and reads the tile's weights
// once for all of them. Eight lanes share an output, each taking every eighth block of inputs; their sums are joined in order.
struct Params {
  rows: u32, inner4: u32, cols: u32, y_stride: u32, y_offset: u32,
  accumulate: u32, use_bias: u32, rank: u32, h_stride: u32, segment1: u32, segment2: u32, adapter: u32, scale: f32
}
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4u>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read> b: array<vec4f>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

const SLICES = 8u;
var<workgroup> partial: array<f32, SLICES * ROWS * TILE>;
var<private> x_at: array<u32, ROWS>;
var<private> sums: array<f32, ROWS>;

// Four inputs at x's place k; beyond the last input the weights are 0.
fn add(k: u32, weights: vec4f) {
  for (var r = 0u; r < ROWS; r++) { sums[r] += dot(x[x_at[r] + min(k, p.inner4 - 1u)], weights); }
}

@compute @workgroup_size(SLICES * TILE)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let output = lid.x % TILE;
  let slice = lid.x / TILE;
  let first_row = wid.y * ROWS;
  for (var r = 0u; r < ROWS; r++) { x_at[r] = min(first_row + r, p.rows - 1u) * p.inner4; }
  let blocks = block_count(p.inner4);
  let halves = block_halves();
  for (var block = slice; block < blocks; block += SLICES) {
    let at = (wid.x * blocks + block) * (block_words() / 4u);
    let pair = unpack2x16float(w[at + scales_at() / 4u + output / 8u][output / 2u % 4u]);
    let scale = select(pair.x, pair.y, (output & 1u) == 1u);
    for (var half = 0u; half < halves; half++) {
      var words = w[at + half * TILE + output];
      for (var i = 0u; i < 4u; i++) {
        if (WEIGHT_BITS == 4u) {
          add(8u * block + 2u * i, scale * unpack_nibbles(words.x, 0u));
          add(8u * block + 2u * i + 1u, scale * unpack_nibbles(words.x, 16u));
        } else {
          add(8u * block + 4u * half + i, scale * unpack_bytes(words.x));
        }
        words = words.yzww;
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) { partial[(slice * ROWS + r) * TILE + output] = sums[r]; }
  workgroupBarrier();
  for (var i = lid.x; i < ROWS * TILE / 4u; i += SLICES * TILE) {
    var total = vec4f();
    for (var s = 0u; s < SLICES; s++) {
      let from_slice = s * ROWS * TILE + 4u * i;
      total += vec4f(partial[from_slice], partial[from_slice + 1u], partial[from_slice + 2u], partial[from_slice + 3u]);
    }
    finish(first_row + i / (TILE / 4u), wid.x * TILE + i % (TILE / 4u) * 4u, 1u, total);
  }
}
