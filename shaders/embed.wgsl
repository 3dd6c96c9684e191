// x[t] = table[token of row t], for tokens of this shard of the table.
struct Params { rows: u32, width4: u32, first_row: u32, shard_rows: u32 }
@group(0) @binding(0) var<storage, read> table: array<vec2u>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> x: array<vec4f>;

fn word(at: u32) -> u32 {
  return table[at / 2u][at % 2u];
}

// Four values from place k of a row of tiles.
fn tiled(row: u32, k: u32) -> vec4f {
  let block = ((row / TILE) * block_count(p.width4) + k / 8u) * block_words();
  let output = row % TILE;
  let pair = unpack2x16float(word(block + scales_at() + output / 2u));
  let scale = select(pair.x, pair.y, (output & 1u) == 1u);
  let inside = k % 8u;
  if (WEIGHT_BITS == 4u) {
    return scale * unpack_nibbles(word(block + 4u * output + inside / 2u), 16u * (inside % 2u));
  }
  return scale * unpack_bytes(word(block + 4u * (TILE * (inside / 4u) + output) + inside % 4u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.rows * p.width4) { return; }
  let token = rows[(i / p.width4) * ROW_WORDS + ROW_TOKEN];
  if (token < p.first_row || token >= p.first_row + p.shard_rows) { return; }
  let row = token - p.first_row;
  let k = i % p.width4;
  if (WEIGHT_BITS < 16u) {
    x[i] = tiled(row, k);
  } else {
    let at = (row * p.width4 + k) * weight_words_per_vec4();
    x[i] = unpack_weights(table[at], table[at + weight_words_per_vec4() - 1u]);
  }
}
