// One AdamW step on a flat parameter vector, with the gradient scaled to the norm limit. A gradient that holds anything
// non-finite changes nothing.
struct Params {
  count: u32, learning_rate: f32, beta1: f32, beta2: f32, epsilon: f32, weight_decay: f32, clip_norm: f32,
  correction1: f32, correction2: f32
}
@group(0) @binding(0) var<storage, read> grad: array<f32>;
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read_write> theta: array<f32>;
@group(0) @binding(3) var<storage, read_write> moment1: array<f32>;
@group(0) @binding(4) var<storage, read_write> moment2: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.count || norm[1] > 0.0) { return; }
  let g = grad[i] * min(1.0, p.clip_norm / (norm[0] + 1e-6));
  let m = p.beta1 * moment1[i] + (1.0 - p.beta1) * g;
  let v = p.beta2 * moment2[i] + (1.0 - p.beta2) * g * g;
  moment1[i] = m;
  moment2[i] = v;
  let step = (m / p.correction1) / (sqrt(v / p.correction2) + p.epsilon);
  theta[i] -= p.learning_rate * (step + p.weight_decay * theta[i]);
}
