// y[t] = x[t] / sqrt(mean(x[t]^2) + eps) * weight, one workgroup a row.
struct Params { rows: u32, width: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let row = workgroup_number(wid);
  if (row >= p.rows) { return; }
  let at = row * p.width;
  var sum = 0.0;
  for (var i = lid.x; i < p.width; i += LANES) { sum += x[at + i] * x[at + i]; }
  let inverse = 1.0 / sqrt(reduce_sum(lid.x, sum) / f32(p.width) + p.eps);
  for (var i = lid.x; i < p.width; i += LANES) { y[at + i] = x[at + i] * inverse * weight[i]; }
}
