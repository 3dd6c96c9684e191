// Splits a fused q/k/v row, rotates q and k (pairs are i and i + half, as in Hugging Face's checkpoints) and puts k and v
// into their key/value rows. The table holds cos and sin for each position, computed in double precision on the host.
// With HEAD_NORM it does head_norm.wgsl's work too: each invocation sums the squares of its whole head, which is in the cache.
struct Params { rows: u32, heads: u32, kv_heads: u32, head_dim: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> q: array<f32>;
@group(0) @binding(4) var<storage, read_write> k: array<f32>;
@group(0) @binding(5) var<storage, read_write> v: array<f32>;
@group(0) @binding(6) var<storage, read> weight: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let half = p.head_dim / 2u;
  let all_heads = p.heads + 2u * p.kv_heads;
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.rows * all_heads * half) { return; }
  let row = i / (all_heads * half);
  let head = (i / half) % all_heads;
  let pair = i % half;
  let at = (row * all_heads + head) * p.head_dim + pair;
  var low = qkv[at];
  var high = qkv[at + half];
  if (HEAD_NORM && head < p.heads + p.kv_heads) {
    var sum = 0.0;
    for (var d = at - pair; d < at - pair + p.head_dim; d++) { sum += qkv[d] * qkv[d]; }
    let inverse = 1.0 / sqrt(sum / f32(p.head_dim) + p.eps);
    let weight_at = select(0u, p.head_dim, head >= p.heads) + pair;
    low = low * inverse * weight[weight_at];
    high = high * inverse * weight[weight_at + half];
  }
  let turn = table[rows[row * ROW_WORDS + ROW_POSITION] * half + pair];
  let kv_row = rows[row * ROW_WORDS + ROW_KV];
  if (head < p.heads) {
    let out = (row * p.heads + head) * p.head_dim + pair;
    q[out] = low * turn.x - high * turn.y;
    q[out + half] = high * turn.x + low * turn.y;
  } else if (head < p.heads + p.kv_heads) {
    let out = (kv_row * p.kv_heads + head - p.heads) * p.head_dim + pair;
    k[out] = low * turn.x - high * turn.y;
    k[out + half] = high * turn.x + low * turn.y;
  } else {
    let out = (kv_row * p.kv_heads + head - p.heads - p.kv_heads) * p.head_dim + pair;
    v[out] = low;
    v[out + half] = high;
  }
}
