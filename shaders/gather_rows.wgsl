// y[i] = x[index[first + i]]: the hidden rows that predict a chunk of completion tokens.
struct Params { count: u32, width4: u32, first: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.count * p.width4) { return; }
  y[i] = x[index[p.first + i / p.width4] * p.width4 + i % p.width4];
}
