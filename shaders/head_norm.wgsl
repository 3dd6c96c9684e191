// Each query and key head of a fused row by its own root mean square, times the weight of its kind: Qwen3's q and k norm.
// Value heads pass through. One workgroup a head.
struct Params { rows: u32, heads: u32, kv_heads: u32, head_dim: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let all_heads = p.heads + 2u * p.kv_heads;
  let index = workgroup_number(wid);
  if (index >= p.rows * all_heads) { return; }
  let head = index % all_heads;
  let at = index * p.head_dim;
  if (head >= p.heads + p.kv_heads) {
    for (var i = lid.x; i < p.head_dim; i += LANES) { y[at + i] = qkv[at + i]; }
    return;
  }
  let weight_at = select(0u, p.head_dim, head >= p.heads);
  var sum = 0.0;
  for (var i = lid.x; i < p.head_dim; i += LANES) { sum += qkv[at + i] * qkv[at + i]; }
  let inverse = 1.0 / sqrt(reduce_sum(lid.x, sum) / f32(p.head_dim) + p.eps);
  for (var i = lid.x; i < p.head_dim; i += LANES) { y[at + i] = qkv[at + i] * inverse * weight[weight_at + i]; }
}
