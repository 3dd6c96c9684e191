// y += x: the gradient of one part of a step joins that of the others.
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i < p.count) { y[i] += x[i]; }
}
