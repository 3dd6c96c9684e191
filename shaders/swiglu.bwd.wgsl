// d gate = dy * up * sigma (1 + gate (1 - sigma)), d up = dy * gate * sigma.
struct Params { rows: u32, width: u32 }
@group(0) @binding(0) var<storage, read> gate_up: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_gate_up: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.rows * p.width) { return; }
  let at = (i / p.width) * 2u * p.width + i % p.width;
  let gate = gate_up[at];
  let sigma = 1.0 / (1.0 + exp(-gate));
  d_gate_up[at] = dy[i] * gate_up[at + p.width] * sigma * (1.0 + gate * (1.0 - sigma));
  d_gate_up[at + p.width] = dy[i] * gate * sigma;
}
