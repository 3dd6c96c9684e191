// y[t, f] = silu(gate) * up, from the fused row [gate | up].
struct Params { rows: u32, width: u32 }
@group(0) @binding(0) var<storage, read> gate_up: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.rows * p.width) { return; }
  let at = (i / p.width) * 2u * p.width + i % p.width;
  let gate = gate_up[at];
  y[i] = gate / (1.0 + exp(-gate)) * gate_up[at + p.width];
}
