// Turns dq and dk back and joins them with dv into the fused row.
struct Params { rows: u32, heads: u32, kv_heads: u32, head_dim: u32 }
@group(0) @binding(0) var<storage, read> dq: array<f32>;
@group(0) @binding(1) var<storage, read> dk: array<f32>;
@group(0) @binding(2) var<storage, read> dv: array<f32>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read> table: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> dqkv: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let half = p.head_dim / 2u;
  let all_heads = p.heads + 2u * p.kv_heads;
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.rows * all_heads * half) { return; }
  let row = i / (all_heads * half);
  let head = (i / half) % all_heads;
  let pair = i % half;
  let out = (row * all_heads + head) * p.head_dim + pair;
  let turn = table[rows[row * ROW_WORDS + ROW_POSITION] * half + pair];
  let kv_row = rows[row * ROW_WORDS + ROW_KV];
  if (head < p.heads) {
    let at = (row * p.heads + head) * p.head_dim + pair;
    dqkv[out] = dq[at] * turn.x + dq[at + half] * turn.y;
    dqkv[out + half] = dq[at + half] * turn.x - dq[at] * turn.y;
  } else if (head < p.heads + p.kv_heads) {
    let at = (kv_row * p.kv_heads + head - p.heads) * p.head_dim + pair;
    dqkv[out] = dk[at] * turn.x + dk[at + half] * turn.y;
    dqkv[out + half] = dk[at + half] * turn.x - dk[at] * turn.y;
  } else {
    let at = (kv_row * p.kv_heads + head - p.heads - p.kv_heads) * p.head_dim + pair;
    dqkv[out] = dv[at];
    dqkv[out + half] = dv[at + half];
  }
}
