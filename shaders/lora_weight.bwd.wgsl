// grad[m, k] += scale * sum over rows t of this adapter of a[t, m] * c[t, segment(m) * width + k]: the gradient of LoRA's
// A (a = dh, c = x) and B (a = dy, c = h).
struct Params {
  rows: u32, outer: u32, width4: u32, a_stride: u32, c_stride4: u32, segment1: u32, segment2: u32, adapter: u32, scale: f32
}
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> grad: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.outer * p.width4) { return; }
  let m = i / p.width4;
  let segment = select(0u, 1u, m >= p.segment1) + select(0u, 1u, m >= p.segment2);
  let column = segment * p.width4 + i % p.width4;
  var sum = vec4f();
  for (var t = 0u; t < p.rows; t++) {
    if (rows[t * ROW_WORDS + ROW_ADAPTER] == p.adapter) {
      sum += a[t * p.a_stride + m] * c[t * p.c_stride4 + column];
    }
  }
  grad[i] += p.scale * sum;
}
