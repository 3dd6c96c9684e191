// lora_weight.bwd.wgsl with the rows divided among lanes: LoRA's A has few outputs and a sum over every row of a batch. A workgroup
// takes OUTPUTS vec4 of the gradient; lane s of the SLICES that share one sums rows s, s + SLICES, …, and the sums are joined in order.
struct Params {
  rows: u32, outer: u32, width4: u32, a_stride: u32, c_stride4: u32, segment1: u32, segment2: u32, adapter: u32, scale: f32
}
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> grad: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

const SLICES = 16u;
var<workgroup> partial: array<vec4f, SLICES * OUTPUTS>;

@compute @workgroup_size(SLICES * OUTPUTS)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * OUTPUTS + lid.x % OUTPUTS;
  let inside = i < p.outer * p.width4;
  if (inside) {
    let m = i / p.width4;
    let segment = select(0u, 1u, m >= p.segment1) + select(0u, 1u, m >= p.segment2);
    let column = segment * p.width4 + i % p.width4;
    var sum = vec4f();
    for (var t = lid.x / OUTPUTS; t < p.rows; t += SLICES) {
      if (rows[t * ROW_WORDS + ROW_ADAPTER] == p.adapter) {
        sum += a[t * p.a_stride + m] * c[t * p.c_stride4 + column];
      }
    }
    partial[lid.x] = sum;
  }
  workgroupBarrier();
  if (inside && lid.x < OUTPUTS) {
    var total = partial[lid.x];
    for (var s = 1u; s < SLICES; s++) { total += partial[s * OUTPUTS + lid.x]; }
    grad[i] += p.scale * total;
  }
}
