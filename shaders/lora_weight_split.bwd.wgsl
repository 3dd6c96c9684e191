// lora_weight.bwd.wgsl with the rows divided among lanes: LoRA's A has few outputs and a sum over every row of a batch. A workgroup
// takes OUTPUTS vec4 of the gradient; lane s of the SLICES that share one sums rows s, s + SLICES, …, and the sums are joined in order.

const SLICES = 16u;
var<workgroup> partial: array<vec4f, SLICES * OUTPUTS>;

@compute @workgroup_size(SLICES * OUTPUTS)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * OUTPUTS + lid.x % OUTPUTS;
  let inside = i < p.outer * p.width4;
  if (inside) {
    let m = i / p.width4;
    let column = column_of(i);
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
