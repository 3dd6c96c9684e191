// dx[t] += inverse * (weight * dy - xhat * mean(weight * dy * xhat)) with xhat = x * inverse; the weight is frozen.
struct Params { rows: u32, width: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let row = workgroup_number(wid);
  if (row >= p.rows) { return; }
  let at = row * p.width;
  var squares = 0.0;
  var product = 0.0;
  for (var i = lid.x; i < p.width; i += LANES) {
    squares += x[at + i] * x[at + i];
    product += weight[i] * dy[at + i] * x[at + i];
  }
  let inverse = 1.0 / sqrt(reduce_sum(lid.x, squares) / f32(p.width) + p.eps);
  let slope = reduce_sum(lid.x, product) * inverse * inverse / f32(p.width);
  for (var i = lid.x; i < p.width; i += LANES) {
    dx[at + i] += inverse * (weight[i] * dy[at + i] - slope * x[at + i]);
  }
}
