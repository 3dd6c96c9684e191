// x[t] = table[token of row t], for tokens of this shard of the table.
struct Params { rows: u32, width4: u32, first_row: u32, shard_rows: u32 }
@group(0) @binding(0) var<storage, read> table: array<vec2u>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> x: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lid.x;
  if (i >= p.rows * p.width4) { return; }
  let token = rows[(i / p.width4) * ROW_WORDS + ROW_TOKEN];
  if (token < p.first_row || token >= p.first_row + p.shard_rows) { return; }
  let at = ((token - p.first_row) * p.width4 + i % p.width4) * weight_words_per_vec4();
  x[i] = unpack_weights(table[at], table[at + weight_words_per_vec4() - 1u]);
}
